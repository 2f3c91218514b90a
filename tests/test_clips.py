import pytest

from clipmill.clips import Clip, anchor_id_for, object_id_for, seed_for, video_id_for


def test_video_id_depends_on_the_relative_path_and_the_source_name():
    first = video_id_for("a/b.mp4")
    assert len(first) == 16
    assert int(first, 16) >= 0
    assert first == video_id_for("a/b.mp4")
    assert first != video_id_for("a/b.mp4", source="other")
    assert first != video_id_for("a/c.mp4")


def test_video_id_takes_names_that_are_not_utf8():
    assert len(video_id_for("bad\udcff.mp4")) == 16


def test_clip_id_round_trip():
    clip = Clip(video_id_for("x.mp4"), 12, 1_234_567)
    assert Clip.parse(clip.clip_id) == clip
    assert clip.clip_id.endswith("-000012-1234567")
    assert clip.num_frames == 1_234_555


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5)])
def test_a_clip_is_a_half_open_range_with_frames(start, end):
    with pytest.raises(ValueError, match="0 <= start < end"):
        Clip("0" * 16, start, end)


def test_parse_refuses_other_texts():
    with pytest.raises(ValueError, match="not a clip id"):
        Clip.parse("0123-000000-000001")


def test_object_and_anchor_ids():
    clip = Clip("0" * 16, 0, 10)
    assert object_id_for(clip.clip_id, 7, 3) == anchor_id_for(clip.clip_id, 7) + "-o03"


def test_seeds_depend_on_every_part_and_their_borders():
    assert seed_for("a", "b") == seed_for("a", "b")
    assert seed_for("a", "b") != seed_for("ab")
    assert seed_for("a", 1) != seed_for("a", 2)
    assert 0 <= seed_for("x") < 2**63
