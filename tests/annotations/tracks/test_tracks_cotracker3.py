"""CoTracker3's seam: a small tracker behind `torch.hub`, over clips whose motion is known."""

from dataclasses import replace

import numpy as np
import pytest
from moving_scenes import SIZE, face, item_of, run, scene, true_rows
from plain_rows import still_camera
from tiny_models import write_cotracker

from clipmill.annotations.objects.schema import Anchor, ObjectsRow
from clipmill.annotations.tracks.cotracker3 import CoTracker3Tracks, comes_home
from clipmill.annotations.tracks.schema import TracksRow
from clipmill.errors import ClipError, UsageError
from clipmill.store.codecs import decode_array, decode_bits, decode_tracks, encode_array
from clipmill.store.records import from_dict, to_dict
from clipmill.weights import WeightsError

torch = pytest.importorskip("torch", reason="needs torch (extra frameino)")

LENGTH = 52
MADE = scene(face(start=(120.0, 120.0), velocity=(2.0, 0.5)), length=LENGTH)


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    return write_cotracker(tmp_path_factory.mktemp("hub") / "co-tracker")


@pytest.fixture(scope="module")
def item(tmp_path_factory):
    made = item_of(tmp_path_factory.mktemp("tracks") / "face.mp4", MADE)
    rows = dict(true_rows(made, MADE, anchor=0))
    return replace(made, rows=rows | {"camera": still_camera()})


def settings(repo, **more):
    return {"repo": str(repo[0]), "weights": str(repo[1]), "device": "cpu", **more}


@pytest.fixture(scope="module")
def row(item, repo):
    return run(CoTracker3Tracks, item, **settings(repo))


def test_tracks_follow_the_object_in_source_pixels(item, row):
    (found,) = row.objects
    (true,) = item.rows["tracks"].objects
    assert found.object_id == true.object_id
    assert (found.anchor, found.num_frames, found.num_points) == (0, LENGTH, true.num_points)
    missed = np.linalg.norm(decode_tracks(found.points) - decode_tracks(true.points), axis=2)
    assert np.median(missed) < 2.0
    assert found.survival == 1.0
    assert decode_bits(found.survived).all()
    assert decode_array(found.cycle_error).max() < 0.04 * SIZE[1]
    assert 0.5 < found.visible_share <= 1
    assert found.motion_speed == pytest.approx(np.hypot(2, 0.5) / np.hypot(*SIZE) * 1000, rel=0.15)
    assert found.motion_compensated == pytest.approx(found.motion_speed)
    assert from_dict(TracksRow, to_dict(row)) == row


def test_queries_stay_between_pixels(item, row):
    # The reference cuts them to whole pixels of 512 x 384.
    asked = decode_array(item.rows["objects"].anchors[0].objects[0].points)
    first = decode_tracks(row.objects[0].points)[0]
    assert np.abs(first - asked).max() <= 1 / 16
    cut = np.trunc(asked * np.array([512, 384]) / SIZE)
    assert np.abs(cut * SIZE / np.array([512, 384]) - asked).max() > 0.5


def test_the_way_back_reuses_the_features(item, repo):
    backend = CoTracker3Tracks(CoTracker3Tracks.Config(**settings(repo, horizon=5)))
    backend.setup()
    backend.annotate([backend.load(item)])
    network = backend._tracker.predictor.model.fnet
    assert network.calls == 1
    backend.annotate([backend.load(item)])
    assert network.calls == 2


def test_same_input_same_row(item, repo):
    first, second = (run(CoTracker3Tracks, item, **settings(repo, horizon=8)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("left", "followed"), [(50, 0), (51, 1)])
def test_an_anchor_needs_more_than_fifty_frames(item, repo, left, followed):
    short = replace(item, clip=replace(item.clip, end=left))
    row = run(CoTracker3Tracks, short, **settings(repo, horizon=3))
    assert row.num_objects == followed


def test_the_horizon_ends_the_tracks(item, repo):
    row = run(CoTracker3Tracks, item, **settings(repo, horizon=7))
    assert row.objects[0].num_frames == 8


def test_objects_of_an_anchor_go_together_and_keep_their_order(item, repo):
    (anchor,) = item.rows["objects"].anchors
    first = anchor.objects[0]
    second = replace(
        first, object_id="second", points=encode_array(decode_array(first.points)[:3] + 2)
    )
    empty = replace(first, object_id="none", points=encode_array(np.zeros((0, 2), np.float32)))
    rows = dict(item.rows) | {
        "objects": ObjectsRow((Anchor(0, (first, empty, second)), Anchor(3, ())), 1, 3)
    }
    got = run(CoTracker3Tracks, replace(item, rows=rows), **settings(repo, horizon=6))
    assert [o.object_id for o in got.objects] == [first.object_id, "none", "second"]
    assert [o.num_points for o in got.objects] == [first_count(item), 0, 3]
    assert got.objects[1].survival == 0.0
    assert got.objects[0] == run(CoTracker3Tracks, item, **settings(repo, horizon=6)).objects[0]


def first_count(item):
    return len(decode_array(item.rows["objects"].anchors[0].objects[0].points))


def test_without_objects_nothing_is_followed(item, repo):
    rows = dict(item.rows) | {"objects": ObjectsRow((Anchor(0, ()),), 0, 0)}
    assert run(CoTracker3Tracks, replace(item, rows=rows), **settings(repo)) == TracksRow((), 0)


def test_the_limit_of_the_cycle_is_inclusive():
    # 0.04 * 384 = 15.36 pixels of the picture of 512 x 384, in any direction.
    miss = np.array([[15.36, 0.0], [0.0, -15.36], [15.37, 0.0], [10.9, 10.9], [10.8, 10.8]])
    assert comes_home(miss, max_share=0.04).tolist() == [True, True, False, False, True]


def test_all_points_lost(item, tmp_path):
    astray = write_cotracker(tmp_path / "astray", drift=30.0)
    (found,) = run(CoTracker3Tracks, item, **settings(astray, horizon=4)).objects
    assert not decode_bits(found.survived).any()
    assert found.survival == found.motion_strength == found.motion_speed == 0
    assert found.visible_share == found.motion_compensated == 0
    # 30 pixels astray on the way there, and again on the way back; in source pixels.
    assert np.median(decode_array(found.cycle_error)) > 30 * SIZE[0] / 512


def test_tracks_that_are_no_numbers_fail_the_clip(item, tmp_path):
    broken = write_cotracker(tmp_path / "nan", scale=float("nan"))
    with pytest.raises(ClipError, match="no numbers"):
        run(CoTracker3Tracks, item, **settings(broken, horizon=2))


def test_weights_and_code_must_fit(item, repo, tmp_path):
    wrong = tmp_path / "wrong.pth"
    torch.save({"fnet.other": torch.zeros(1)}, wrong)
    with pytest.raises(WeightsError, match=r"missing keys? fnet\.mix\.weight|fnet\.mix\.weight"):
        run(CoTracker3Tracks, item, repo=str(repo[0]), weights=str(wrong), device="cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"cannot be loaded from.*cotracker3-code"):
        run(CoTracker3Tracks, item, **settings((tmp_path / "empty", repo[1])))


def test_the_licence_is_marked():
    assert "non-commercial" in CoTracker3Tracks.needs.licence
    assert CoTracker3Tracks.needs.weights == ("cotracker3", "cotracker3-code")


def test_identity_names_code_and_weights(repo):
    named = CoTracker3Tracks.identity(CoTracker3Tracks.Config(**settings(repo)))
    assert named["model"] == "CoTracker3"
    assert len(named["code"]) == len(named["sha256"]) == 64
    pinned = CoTracker3Tracks.identity(CoTracker3Tracks.Config())
    assert pinned["code"] == "82e02e8029753ad4ef13cf06be7f4fc5facdda4d"
