from dataclasses import replace

import cv2
import numpy as np
import pytest
from moving_scenes import face, item_of, pillar, run, scene

from clipmill.annotations.objects.embedded import MovingObjects
from clipmill.annotations.registry import find_backend
from clipmill.demo.scene import Camera, visible_masks
from clipmill.errors import ClipError
from clipmill.store.codecs import decode_array, decode_mask

LOOSE = {"ratios": (0.0, 0.5), "min_gap": 10, "min_sampled": 5, "snap": 0.0}


@pytest.fixture(scope="module")
def moving(tmp_path_factory):
    made = scene(face(start=(120.0, 120.0), velocity=(2.0, 0.0)), length=60, background="brick")
    return item_of(tmp_path_factory.mktemp("objects") / "moving.mp4", made), made


def test_the_registry_knows_it():
    assert find_backend("objects", "embedded") is MovingObjects


def test_row_of_a_mover(moving):
    item, made = moving
    row = run(MovingObjects, item, **LOOSE)
    assert [anchor.index for anchor in row.anchors] == [0, 30]
    assert (row.num_anchors, row.num_objects) == (2, 2)
    for anchor in row.anchors:
        (found,) = anchor.objects
        assert found.object_id == f"{item.clip.clip_id}-a{anchor.index:05d}-o00"
        truth = visible_masks(made, anchor.index)[0]
        mask = decode_mask(found.mask, size=truth.shape)
        assert (mask & truth).sum() / (mask | truth).sum() > 0.85
        assert found.area == pytest.approx(truth.mean(), rel=0.15)
        rows, columns = np.nonzero(truth)
        box = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
        assert found.box == pytest.approx(box, abs=8)
        assert found.motion == pytest.approx(2.0, rel=0.1)
        assert found.confidence > 0.4
        column, row_ = np.rint(decode_array(found.points)).astype(int).T
        assert mask[row_, column].all()


def test_anchors_count_from_the_clip_not_from_the_video(moving, tmp_path):
    made = moving[1]
    item = item_of(tmp_path / "late.mp4", made, start=20, end=60)
    row = run(MovingObjects, item, **LOOSE)
    assert [anchor.index for anchor in row.anchors] == [0, 20]
    truth = visible_masks(made, 40)[0]
    mask = decode_mask(row.anchors[1].objects[0].mask, size=truth.shape)
    assert (mask & truth).sum() / (mask | truth).sum() > 0.85


def test_same_bytes_again_whatever_the_threads(moving):
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        first = run(MovingObjects, moving[0], **LOOSE)
        cv2.setNumThreads(4)
        assert run(MovingObjects, moving[0], **LOOSE) == first
    finally:
        cv2.setNumThreads(threads)


def test_largest_first_and_no_more_than_asked(tmp_path):
    made = scene(
        face(start=(100.0, 120.0), velocity=(2.0, 0.0), size=(80, 80)),
        pillar(start=(320.0, 120.0), velocity=(-2.0, 0.0), size=(120, 150)),
        length=30,
        background="gravel",
    )
    item = item_of(tmp_path / "two.mp4", made)
    (anchor,) = run(MovingObjects, item, **LOOSE | {"ratios": (0.5,)}).anchors
    assert len(anchor.objects) == 2
    assert anchor.objects[0].area > anchor.objects[1].area
    (one,) = run(MovingObjects, item, **LOOSE | {"ratios": (0.5,), "max_objects": 1}).anchors
    (found,) = one.objects
    assert found.mask == anchor.objects[0].mask


@pytest.mark.parametrize(
    "camera",
    [Camera(), Camera(pan=(1.5, 0.0)), Camera(zoom=1.006), Camera(roll=0.4)],
    ids=["still", "panning", "zooming", "rolling"],
)
def test_where_nothing_moves_on_its_own_anchors_have_no_objects(tmp_path, camera):
    made = scene(face(start=(200.0, 120.0)), length=30, camera=camera)
    row = run(MovingObjects, item_of(tmp_path / "still.mp4", made), **LOOSE)
    assert [anchor.objects for anchor in row.anchors] == [(), ()]
    assert (row.num_anchors, row.num_objects) == (0, 0)
    assert row.carried == ()


@pytest.mark.parametrize(("background", "noise"), [("rocket", 14.0), ("china", 14.0)])
def test_noise_is_no_object(tmp_path, background, noise):
    made = replace(scene(length=30, background=background), noise=noise, gain=0.6)
    row = run(MovingObjects, item_of(tmp_path / "noise.mp4", made), **LOOSE)
    assert (row.num_objects, row.carried) == (0, ())


HIDDEN = scene(
    face(start=(60.0, 120.0), velocity=(3.0, 0.0), size=(90, 90)),
    pillar(start=(210.0, 120.0), size=(110, 260)),
    length=90,
    background="grass",
)
RETURNING = scene(
    face(start=(300.0, 120.0), sway=(220.0, 0.0), period=130.0, size=(100, 100)),
    length=110,
    background="gravel",
)
LATE = scene(
    face(start=(-120.0, 120.0), velocity=(3.0, 0.0), size=(100, 100)), length=90, background="brick"
)


@pytest.mark.parametrize(
    ("made", "share"), [(HIDDEN, 0.7), (RETURNING, 0.6), (LATE, 0.7)], ids=["hid", "back", "late"]
)
def test_a_thing_that_is_not_always_there_is_one_identity(tmp_path, made, share):
    row = run(MovingObjects, item_of(tmp_path / "one.mp4", made), **LOOSE)
    (one,) = row.carried
    scores, ghosts, hidden = [], 0, 0
    for frame in range(made.num_frames):
        truth = visible_masks(made, frame)[0]
        place = frame - one.first_frame
        mask = np.zeros_like(truth)
        if 0 <= place < len(one.masks):
            mask = decode_mask(one.masks[place], size=truth.shape)
        if truth.sum() > 3000:
            scores.append((mask & truth).sum() / (mask | truth).sum())
        elif not truth.any():
            hidden += 1
            ghosts += bool(mask.any())
    assert np.mean(scores) > share
    assert hidden
    assert ghosts <= 0.6 * hidden


def test_a_portrait_clip(tmp_path):
    made = replace(
        scene(face(start=(70.0, 160.0), velocity=(1.5, 1.0)), length=40, background="gravel"),
        width=240,
        height=426,
    )
    (first, _) = run(MovingObjects, item_of(tmp_path / "tall.mp4", made), **LOOSE).anchors
    (found,) = first.objects
    truth = visible_masks(made, 0)[0]
    mask = decode_mask(found.mask, size=truth.shape)
    assert (mask & truth).sum() / (mask | truth).sum() > 0.85


def test_a_thing_that_covers_half_of_the_picture(tmp_path):
    made = scene(
        face(start=(200.0, 125.0), size=(310, 225), velocity=(1.5, 0.0)),
        length=40,
        background="gravel",
    )
    (first, _) = run(MovingObjects, item_of(tmp_path / "large.mp4", made), **LOOSE).anchors
    truth = visible_masks(made, 0)[0]
    assert truth.mean() > 0.5
    masks = [decode_mask(found.mask, size=truth.shape) for found in first.objects]
    assert max((mask & truth).sum() / (mask | truth).sum() for mask in masks) > 0.8


def test_a_short_clip_has_no_anchor(moving):
    row = run(MovingObjects, moving[0])
    assert (row.anchors, row.num_anchors) == ((), 0)


def test_a_file_that_is_gone_is_a_clip_error(moving, tmp_path):
    item = item_of(tmp_path / "gone.mp4", moving[1])
    (tmp_path / "gone.mp4").rename(tmp_path / "moved.mp4")
    with pytest.raises(ClipError) as caught:
        run(MovingObjects, item, **LOOSE)
    assert caught.value.kind == "missing"
