"""In/Out against scenes whose masks, entries and exits are known exactly."""

import io
from dataclasses import replace

import numpy as np
import pytest
from moving_scenes import SIZE, face, item_of, pillar, run, scene, true_rows
from PIL import Image
from plain_rows import tracks_of

from clipmill.annotations.inout.embedded import CarriedMasks
from clipmill.annotations.inout.schema import InOutRow
from clipmill.annotations.objects.schema import ObjectsRow
from clipmill.annotations.registry import find_backend
from clipmill.annotations.tracks.schema import TracksRow
from clipmill.demo.scene import Camera, truth, visible_masks
from clipmill.errors import ClipError
from clipmill.store.codecs import decode_array, decode_bits, decode_mask, decode_tracks

W, H = SIZE
LEAVING = scene(face(start=(330.0, 120.0), velocity=(3.0, 0.3), size=(130, 130)), length=70)
ENTERING = scene(
    face(start=(-90.0, 120.0), velocity=(3.0, 0.0), size=(130, 130)),
    length=70,
    background="gravel",
    camera=Camera(pan=(0.8, 0.0)),
)
HIDDEN = scene(
    face(start=(80.0, 120.0), velocity=(4.0, 0.0), size=(120, 120)),
    pillar(start=(230.0, 120.0)),
    length=70,
    background="grass",
)
CROSSING = scene(face(start=(75.0, 150.0), velocity=(3.5, 0.0), size=(125, 150)), length=70)


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    """Return a function that runs a scene from an anchor, once: (item, scene, entry)."""
    folder = tmp_path_factory.mktemp("inout")
    done = {}

    def annotated(name, made, anchor):
        if name not in done:
            item = item_of(folder / f"{name}.mp4", made)
            item = replace(item, rows=true_rows(item, made, anchor=anchor))
            done[name] = item, made, run(CarriedMasks, item).objects[0]
        return done[name]

    return annotated


def overlaps(made, entry):
    """Return the IoU of every frame where the truth shows more than a strip."""
    found = {}
    for step, blob in enumerate(entry.masks):
        true = visible_masks(made, entry.first_frame + step)[0]
        if true.sum() > 1500:
            mask = decode_mask(blob, size=true.shape)
            found[entry.first_frame + step] = (mask & true).sum() / (mask | true).sum()
    return found


def test_the_registry_knows_it():
    assert find_backend("inout", "embedded") is CarriedMasks
    assert CarriedMasks.reads == ("objects", "tracks")


@pytest.mark.parametrize(
    ("name", "made", "anchor"),
    [("leaving", LEAVING, 5), ("entering", ENTERING, 55), ("crossing", CROSSING, 0)],
)
def test_masks_follow_the_object(subject, name, made, anchor):
    entry = subject(name, made, anchor)[2]
    scores = list(overlaps(made, entry).values())
    assert len(scores) > 20
    assert np.mean(scores) > 0.85
    assert entry.mask_confidence > 0.9


def test_masks_cover_the_frames_they_say(subject):
    entry = subject("leaving", LEAVING, 5)[2]
    assert (entry.first_frame, len(entry.masks)) == (0, 70)
    boxes = decode_array(entry.boxes)
    assert (boxes.shape, boxes.dtype) == ((70, 4), np.int32)
    for blob, box in zip(entry.masks, boxes, strict=True):
        mask = decode_mask(blob, size=(H, W))
        if not mask.any():
            assert box.tolist() == [0, 0, 0, 0]
            continue
        rows, columns = np.nonzero(mask)
        tight = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert np.abs(box - tight).max() <= 1


def test_exit_within_two_frames(subject):
    _, made, entry = subject("leaving", LEAVING, 5)
    (known,) = truth(made).sprites
    assert known.exit_frame is not None
    assert entry.exit_frame == pytest.approx(known.exit_frame, abs=2)
    assert entry.enter_frame is None
    gone = entry.masks[entry.exit_frame - entry.first_frame :]
    assert not any(decode_mask(blob).any() for blob in gone)


def test_entry_within_two_frames(subject):
    _, made, entry = subject("entering", ENTERING, 55)
    (known,) = truth(made).sprites
    assert known.enter_frame is not None
    assert entry.enter_frame == pytest.approx(known.enter_frame, abs=2)
    assert entry.exit_frame is None


def test_hidden_is_an_empty_mask_and_no_refusal_for_it(subject):
    _, made, entry = subject("hidden", HIDDEN, 3)
    unseen = [t for t in range(70) if not visible_masks(made, t)[0].any()]
    assert unseen
    middle = unseen[len(unseen) // 3 : -len(unseen) // 3]
    areas = [decode_mask(entry.masks[t - entry.first_frame]).sum() for t in middle]
    assert areas == [0] * len(middle)
    # It comes out again at the other side, and it never left the picture.
    back = [score for frame, score in overlaps(made, entry).items() if frame > unseen[-1] + 8]
    assert np.mean(back) > 0.75
    assert entry.exit_frame is None
    assert entry.enter_frame is None
    assert entry.refusal != "points_disagree"


def test_stage_2_object_has_images_and_regions(subject):
    _, made, entry = subject("crossing", CROSSING, 0)
    assert entry.refusal == ""
    assert entry.largest_share == pytest.approx(125 * 150 / (W * H), rel=0.1)
    assert entry.reference is not None
    assert entry.reference.frame == 0
    assert 1 <= len(entry.others) <= 3
    assert decode_bits(entry.point_valid).mean() > 0.67
    frames = [image.frame for image in entry.others]
    assert 0 not in frames
    boxes = decode_array(entry.boxes)
    for image in (entry.reference, *entry.others):
        assert image.box == tuple(boxes[image.frame - entry.first_frame])
        pixels = np.array(Image.open(io.BytesIO(image.png)))
        x0, y0, x1, y1 = image.box
        assert pixels.shape == (y1 - y0, x1 - x0, 3)
        outside = ~visible_masks(made, image.frame)[0][y0:y1, x0:x1]
        # Nothing but a thin rim of the picture may show outside of the object.
        assert (pixels[outside].max(axis=1) > 0).mean() < 0.3
        assert (pixels[~outside].max(axis=1) > 0).mean() > 0.9


def test_regions_do_not_show_the_object_at_the_anchor_and_know_its_entry(subject):
    _, made, entry = subject("crossing", CROSSING, 0)
    true = visible_masks(made, 0)[0]
    assert 1 <= len(entry.regions) <= 15
    assert [r.area for r in entry.regions] == sorted(r.area for r in entry.regions)
    for region in entry.regions:
        x0, y0, x1, y1 = region.box
        assert 0 <= x0 < x1 <= W
        assert 0 <= y0 < y1 <= H
        assert region.area == (x1 - x0) * (y1 - y0)
        assert not true[y0:y1, x0:x1].any()
        shares = [
            visible_masks(made, t)[0][y0:y1, x0:x1].sum() / visible_masks(made, t)[0].sum()
            for t in range(70)
        ]
        inside = [t for t, share in enumerate(shares) if share >= 0.5]
        assert region.enter_frame == pytest.approx(inside[0], abs=2)
        assert len(inside) >= 8


def test_same_bytes_again(subject):
    item, _, entry = subject("crossing", CROSSING, 0)
    assert run(CarriedMasks, item) == InOutRow((entry,), 1)


def test_a_clip_inside_a_video(tmp_path):
    item = item_of(tmp_path / "inside.mp4", CROSSING, start=20, end=60)
    item = replace(item, rows=true_rows(item, CROSSING, anchor=10))
    (entry,) = run(CarriedMasks, item).objects
    assert (entry.first_frame, len(entry.masks), entry.anchor) == (0, 40, 10)
    true = visible_masks(CROSSING, 30)[0]
    mask = decode_mask(entry.masks[10], size=true.shape)
    assert (mask & true).sum() / (mask | true).sum() > 0.9


def changed(item, **fields):
    (entry,) = item.rows["tracks"].objects
    tracks = TracksRow((replace(entry, **fields),), 1)
    return replace(item, rows={"objects": item.rows["objects"], "tracks": tracks})


def refusal(item, **config):
    row = run(CarriedMasks, item, **config)
    (entry,) = row.objects
    assert row.num_accepted == 0
    assert (entry.reference, entry.others) == (None, ())
    return entry


def test_too_small(subject):
    item = subject("crossing", CROSSING, 0)[0]
    assert refusal(item, min_box_share=0.5).refusal == "too_small"


def test_a_mask_that_is_lost_for_most_of_the_time_is_refused(subject):
    item, _, entry = subject("hidden", HIDDEN, 3)
    empty = [not decode_mask(blob).any() for blob in entry.masks[3 - entry.first_frame :]]
    share = sum(empty) / len(empty)
    assert 0 < share < 0.5
    assert entry.refusal != "mask_lost"
    strict = refusal(item, min_box_share=0.0, max_lost=share / 2)
    assert strict.refusal == "mask_lost"


def test_no_region_for_an_object_in_the_middle(tmp_path):
    made = scene(face(start=(213.0, 120.0), velocity=(0.5, 0.0), size=(130, 130)), length=20)
    item = item_of(tmp_path / "middle.mp4", made)
    entry = refusal(replace(item, rows=true_rows(item, made, anchor=0)), min_inside=0)
    assert (entry.refusal, entry.regions) == ("no_region", ())


def test_points_that_stay_behind_disagree(subject):
    item = subject("crossing", CROSSING, 0)[0]
    (tracks,) = item.rows["tracks"].objects
    points = decode_tracks(tracks.points)
    points[:, ::2] = points[:1, ::2]
    stuck = tracks_of(tracks.object_id, 0, points, decode_bits(tracks.visibility))
    rows = {"objects": item.rows["objects"], "tracks": TracksRow((stuck,), 1)}
    entry = refusal(replace(item, rows=rows))
    assert entry.refusal == "points_disagree"
    assert entry.invalid_share > 0.33
    assert not decode_bits(entry.point_valid)[::2].any()


def test_no_point_survived(subject):
    item = subject("crossing", CROSSING, 0)[0]
    (tracks,) = item.rows["tracks"].objects
    none = tracks_of(
        tracks.object_id,
        0,
        decode_tracks(tracks.points),
        np.zeros((tracks.num_frames, tracks.num_points), bool),
    )
    entry = refusal(changed(item, visibility=none.visibility))
    assert entry.refusal == "lost_at_anchor"
    assert entry.mask_confidence == 0.0


def test_no_objects():
    from clipmill.annotations.base import ClipInput
    from clipmill.clips import Clip, Video

    video = Video("0" * 16, "", "x.mp4", "/nowhere/x.mp4", 1)
    rows = {"objects": ObjectsRow((), 0, 0), "tracks": TracksRow((), 0)}
    item = ClipInput(video, Clip("0" * 16, 0, 10), rows=rows)
    # Nothing to carry, so the file is not even opened.
    assert run(CarriedMasks, item) == InOutRow((), 0)


def test_rows_of_different_runs_are_refused(subject):
    item = subject("crossing", CROSSING, 0)[0]
    with pytest.raises(ClipError, match="annotate tracks again"):
        run(CarriedMasks, changed(item, object_id="somebody-else"))


def test_every_stretch_in_which_an_object_is_seen_is_told(subject):
    _, made, entry = subject("hidden", HIDDEN, 3)
    there = [bool(visible_masks(made, t)[0].any()) for t in range(70)]
    seen = np.zeros(70, bool)
    for begin, end in decode_array(entry.stretches):
        seen[begin:end] = True
    assert seen.tolist() == there
    assert len(decode_array(entry.stretches)) == 2


def test_only_kept_objects_are_looked_at(subject):
    item = subject("crossing", CROSSING, 0)[0]
    (tracks,) = item.rows["tracks"].objects
    assert run(CarriedMasks, replace(item, kept=frozenset())) == InOutRow((), 0)
    assert len(run(CarriedMasks, replace(item, kept=frozenset({tracks.object_id}))).objects) == 1


def test_objects_without_carried_masks_are_refused_with_the_way_out(subject):
    item = subject("crossing", CROSSING, 0)[0]
    bare = replace(item.rows["objects"], carried=())
    rows = {"objects": bare, "tracks": item.rows["tracks"]}
    with pytest.raises(ClipError, match="objects backend 'isnet'"):
        run(CarriedMasks, replace(item, rows=rows))
