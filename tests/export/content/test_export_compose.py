"""A sample in the frames and pixels of its export, against the truth of a drawn clip."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from export_samples import Disc, disc_sample, red_centre
from scipy.spatial.transform import Rotation

from clipmill.annotations.camera.schema import CameraRow
from clipmill.canvas.placement import Placement
from clipmill.export.content.camera import camera_path
from clipmill.export.content.compose import LeftOutError, compose
from clipmill.export.content.frames import frames_of
from clipmill.export.content.profile import PROFILES, FrameProfile
from clipmill.store.codecs import decode_array, decode_bits, decode_mask, encode_array, encode_bits

DISC = Disc()
TARGET = {"fps": Fraction(16), "aspect": (20, 11)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return disc_sample(DISC, tmp_path_factory.mktemp("disc") / "disc.mp4", start=10, anchor=6)


@pytest.mark.parametrize("resample", ["shown", "interpolated"])
def test_tracks_follow_rate_and_cut_within_half_a_pixel(made, resample):
    sample = compose(*made, FrameProfile(**TARGET, resample=resample))
    assert sample.size == (640, 352) and sample.row.fps == 16
    first = 16 / float(DISC.fps)
    if resample == "shown":
        times = sample.timeline.shown / float(DISC.fps)
    else:
        times = np.minimum(first + np.arange(sample.num_frames) / 16, 119 / float(DISC.fps))
    truth = sample.placement.points(DISC.centre(times))
    found = sample.tracks(sample.row.objects[0])[:, 0]
    assert np.abs(found - truth).max() < 0.5
    assert sample.visibility(sample.row.objects[0]).all()


def test_tracks_lie_on_the_object_in_the_exported_pictures(made):
    sample = compose(*made, FrameProfile(**TARGET, long_side=320))
    points = sample.tracks(sample.row.objects[0])[:, 0]
    pictures = list(frames_of(sample))
    assert len(pictures) == sample.num_frames > 40
    assert pictures[0].shape == (176, 320, 3)
    off = [np.abs(red_centre(p) - at).max() for p, at in zip(pictures, points, strict=True)]
    assert max(off) < 0.5


def test_at_its_own_rate_every_frame_is_there(made):
    row, facts = made
    sample = compose(row, facts, FrameProfile())
    assert sample.num_frames == row.num_frames == 104
    assert sample.timeline.shown.tolist() == list(range(16, 120))
    assert (sample.row.start, sample.row.anchor, sample.row.end) == (0, 0, 104)
    pictures = list(frames_of(sample))
    assert len(pictures) == 104
    truth = DISC.centre(np.arange(16, 120) / float(DISC.fps))
    assert np.abs([red_centre(p) for p in pictures] - truth).max() < 0.5


def test_a_faster_rate_repeats_frames(made):
    sample = compose(*made, FrameProfile(fps=60, max_frames=41))
    assert sample.num_frames == 41
    assert len(set(sample.timeline.shown.tolist())) < 25
    assert len(list(frames_of(sample))) == 41


def test_masks_lie_on_the_object_after_the_cut(made):
    sample = compose(*made, FrameProfile(**TARGET))
    (masks,) = sample.masks.values()
    points = sample.tracks(sample.row.objects[0])[:, 0]
    assert len(masks) == sample.num_frames
    for blob, at in zip(masks, points, strict=True):
        ys, xs = np.nonzero(decode_mask(blob, size=(352, 640)))
        assert np.abs([xs.mean() - at[0], ys.mean() - at[1]]).max() < 1.0
    assert sample.mask(sample.row.objects[0].object_id, 0).shape == (352, 640)
    assert sample.mask("nobody", 0) is None


def test_points_outside_the_cut_are_unseen_where_they_are(made):
    row, facts = made
    sample = compose(row, facts, FrameProfile(aspect=(1, 2)))
    entry = sample.row.objects[0]
    points, seen = sample.tracks(entry), sample.visibility(entry)
    inside = (points[..., 0] >= -0.5) & (points[..., 0] < sample.size[0] - 0.5)
    assert (~inside).any() and inside.any()
    assert (seen == inside).all()


def test_a_hidden_point_is_not_made_visible_between_frames(made):
    row, facts = made
    (entry,) = row.objects
    seen = np.ones(decode_bits(entry.visibility).shape, bool)
    seen[3] = False
    hidden = replace(row, objects=(replace(entry, visibility=encode_bits(seen)),))
    sample = compose(hidden, facts, FrameProfile(fps=60, resample="interpolated"))
    places = sample.timeline.positions - 16
    near = (places > 2.01) & (places < 3.99)
    found = sample.visibility(sample.row.objects[0])
    assert near.any() and not found[near].any()
    assert found[places > 4.01].all()


def test_regions_and_frames_move_along(made):
    row, facts = made
    sample = compose(row, facts, FrameProfile(fps=15, size=(320, 180)))
    (entry,) = sample.row.objects
    (region,) = entry.regions
    assert region.box == (0, 0, 100, 50) and region.area == 5000
    # clip frame 36 is frame 46 of the video: 30 frames, one second after the anchor
    assert region.enter_frame == 15
    assert region.exit_frame is None
    assert sample.row.stage2


@pytest.mark.parametrize("name", ["wan2.1", "ltx", "cosmos"])
def test_regions_lie_on_the_grid_of_the_model(made, name):
    row, facts = made
    profile = PROFILES[name]
    loose = compose(row, facts, profile.model_copy(update={"region_grid": 1}))
    sample = compose(row, facts, profile)
    ((wide,), (region,)) = (s.row.objects[0].regions for s in (loose, sample))
    assert wide.box != region.box
    assert all(side % profile.region_grid == 0 for side in region.box)
    inward = np.subtract(region.box, wide.box) * (1, 1, -1, -1)
    assert (inward >= 0).all() and (inward < profile.region_grid).all()
    x0, y0, x1, y1 = region.box
    assert region.area == (x1 - x0) * (y1 - y0)


def test_a_region_smaller_than_the_grid_ends_stage_two(made):
    sample = compose(*made, FrameProfile(size=(64, 36), region_grid=32))
    assert not sample.row.stage2 and sample.row.stage1


def test_a_region_behind_the_cut_ends_stage_two(made):
    row, facts = made
    sample = compose(row, facts, FrameProfile(aspect=(1, 1)))
    assert not sample.row.stage2
    assert sample.row.stage2_reason == "no region inside the cut"
    assert sample.row.objects[0].refusal == "no region inside the cut"
    assert sample.row.stage1


def test_a_cut_can_follow_the_objects(tmp_path):
    row, facts = disc_sample(Disc(num_frames=40), tmp_path / "right.mp4")
    centred = compose(row, facts, FrameProfile(aspect=(1, 2), centre="objects"))
    middle = compose(row, facts, FrameProfile(aspect=(1, 2)))
    assert centred.placement.offset[0] > middle.placement.offset[0]
    seen = [s.visibility(s.row.objects[0]).mean() for s in (centred, middle)]
    assert seen[0] == 1.0 > seen[1]


def test_too_few_frames_are_a_reason(made):
    row, facts = made
    with pytest.raises(LeftOutError, match="55 frames at 16 fps, 81 needed"):
        compose(row, facts, FrameProfile(fps=16, min_frames=81))


def test_no_point_in_the_picture_is_a_reason(made):
    row, facts = made
    (entry,) = row.objects
    blind = np.zeros(decode_bits(entry.visibility).shape, bool)
    unseen = replace(row, objects=(replace(entry, visibility=encode_bits(blind)),))
    with pytest.raises(LeftOutError, match="no point"):
        compose(unseen, facts, FrameProfile())


def _turning(frames: np.ndarray) -> CameraRow:
    """One degree a frame around y, moving along x, zooming in."""
    turns = np.stack([Rotation.from_euler("y", f, degrees=True).as_matrix() for f in frames])
    centres = np.stack([0.1 * frames, 0 * frames, 0 * frames], axis=1)
    return CameraRow(
        frames=encode_array(frames.astype(np.int32)),
        rotations=encode_array(turns.astype(np.float32)),
        translations=encode_array((-np.einsum("tij,tj->ti", turns, centres)).astype(np.float32)),
        steps=encode_array(np.einsum("tij,tj->ti", turns[:-1], np.diff(centres, axis=0))),
        focals=encode_array(np.stack([500 * 1.01**frames] * 2, axis=1).astype(np.float32)),
        homographies=encode_array(np.tile(np.eye(3), (len(frames) - 1, 1, 1))),
        rotation=1.0, pan=1.0, tilt=0.0, roll=0.0, zoom=0.01, zoom_in=0.01, pan_speed=0.0,
        translation=0.1, truck=0.1, pedestal=0.0, dolly=0.0, travel_share=1.0,
        inlier_share=1.0, residual=0.0,
        metric=True, focal_known=True,
    )  # fmt: skip


def test_poses_between_the_measured_frames():
    places = np.linspace(4, 33, 27)
    placement = Placement((640, 360), (320, 180), (300, 180), (10, 0))
    path = camera_path(_turning(np.arange(0, 41, 4)), places, placement=placement)
    assert np.allclose(path.world_to_camera[0], np.eye(4))
    turned = Rotation.from_matrix(path.world_to_camera[:, :3, :3]).as_euler("yxz", degrees=True)
    assert np.allclose(turned[:, 0], places - 4, atol=1e-3)
    inverse = np.linalg.inv(path.world_to_camera)
    # the first camera looks along its own axes: turned by the first pose
    start = Rotation.from_euler("y", 4, degrees=True).as_matrix()
    moved = np.stack([0.1 * (places - 4), 0 * places, 0 * places], axis=1) @ start.T
    assert np.allclose(inverse[:, :3, 3], moved, atol=1e-4)
    assert np.allclose(path.intrinsics[:, 0, 0], 250 * 1.01**places, rtol=1e-5)
    assert np.allclose(path.intrinsics[0, :2, 2], [149.5, 89.5])
    assert path.metric


def test_places_that_were_not_measured_are_no_number():
    row = _turning(np.arange(0, 41, 4))
    steps = decode_array(row.steps)
    steps[3] = np.nan  # from frame 12 to 16
    row = replace(row, steps=encode_array(steps))
    placement = Placement.stretched((64, 36), (64, 36))
    path = camera_path(row, np.arange(4.0, 33), placement=placement)
    assert path.unmeasured == 9  # frame 13
    known = np.isfinite(path.world_to_camera)
    assert known[:, :, :3].all() and known[:9].all() and not known[9:, :3, 3].any()
    behind = camera_path(row, np.arange(16.0, 33), placement=placement)
    assert behind.unmeasured is None
    moved = np.linalg.inv(behind.world_to_camera)[:, :3, 3]
    assert np.allclose(np.linalg.norm(moved, axis=1), 0.1 * np.arange(17), atol=1e-5)


def test_a_camera_measured_once_stands_still():
    one = _turning(np.arange(1))
    path = camera_path(one, np.arange(5.0), placement=Placement.stretched((64, 36), (64, 36)))
    assert np.allclose(path.world_to_camera, np.eye(4))
