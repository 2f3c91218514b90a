"""Parts of the tracks backend: motion measures, patches, poses."""

import cv2
import numpy as np
import pytest

from clipmill.annotations.tracks import pose as poses
from clipmill.annotations.tracks.embedded import to_source, to_working
from clipmill.annotations.tracks.motion import BackgroundMotion, motion_speed, motion_strength
from clipmill.annotations.tracks.patches import Templates, likeness, sample, windows

WIDTH, HEIGHT = 800, 600  # diagonal 1000


def straight(length: int, velocity: tuple[float, float], count: int = 3) -> np.ndarray:
    start = np.arange(2.0 * count).reshape(count, 2) * 10
    return start + np.arange(length)[:, None, None] * np.array(velocity)


def test_strength_is_the_published_formula() -> None:
    tracks = straight(51, (3.0, 4.0))
    tracks[1:-1] += 40  # what lies between does not count
    expected = 5 * 100000 / (HEIGHT * WIDTH)
    assert motion_strength(tracks, width=WIDTH, height=HEIGHT) == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(0, 3, 2), (1, 3, 2), (40, 0, 2)])
def test_measures_of_nothing_are_zero(shape: tuple[int, ...]) -> None:
    tracks, visible = np.zeros(shape), np.ones(shape[:2], bool)
    assert motion_strength(tracks, width=WIDTH, height=HEIGHT) == 0
    assert motion_speed(tracks, visible, width=WIDTH, height=HEIGHT) == 0


def test_speed_is_in_permille_of_the_diagonal_at_any_resolution() -> None:
    tracks, visible = straight(60, (3.0, 4.0)), np.ones((60, 3), bool)
    speed = motion_speed(tracks, visible, width=WIDTH, height=HEIGHT)
    doubled = motion_speed(tracks * 2, visible, width=2 * WIDTH, height=2 * HEIGHT)
    assert speed == pytest.approx(5.0)
    assert doubled == pytest.approx(speed)


def test_an_object_that_comes_back_has_moved() -> None:
    there = straight(31, (4.0, 0.0))
    tracks = np.concatenate([there, there[-2::-1]])
    visible = np.ones(tracks.shape[:2], bool)
    assert motion_strength(tracks, width=WIDTH, height=HEIGHT) == 0
    assert motion_speed(tracks, visible, width=WIDTH, height=HEIGHT) == pytest.approx(4, rel=0.1)


def test_jitter_is_mostly_not_motion() -> None:
    tracks = straight(100, (0.0, 0.0)) + np.random.default_rng(0).normal(0, 0.5, (100, 3, 2))
    visible = np.ones(tracks.shape[:2], bool)
    raw = np.linalg.norm(np.diff(tracks, axis=0), axis=2).mean()
    assert motion_speed(tracks, visible, width=WIDTH, height=HEIGHT) < 0.35 * raw


def test_guessed_steps_do_not_count() -> None:
    tracks = straight(60, (2.0, 0.0))
    tracks[30:] += np.arange(30)[:, None, None] * np.array([50.0, 0])
    visible = np.ones((60, 3), bool)
    visible[26:] = False
    assert motion_speed(tracks, visible, width=WIDTH, height=HEIGHT) == pytest.approx(2, rel=0.01)


def test_the_camera_is_taken_out_also_between_and_beyond_sampled_frames() -> None:
    zoom = np.array([[1.03, 0, -12], [0, 1.03, -9], [0, 0, 1]])
    background = BackgroundMotion(np.array([10, 13, 16]), np.stack([zoom, zoom]))
    tracks = np.zeros((30, 4, 2))
    tracks[0] = [[100, 100], [700, 100], [700, 500], [100, 500]]
    for t in range(29):
        tracks[t + 1] = tracks[t] + background.shift(tracks[t], t)
    visible = np.ones((30, 4), bool)
    speed = {"width": WIDTH, "height": HEIGHT, "anchor": 0}
    assert motion_speed(tracks, visible, **speed) > 2
    assert motion_speed(tracks, visible, **speed, background=background) == pytest.approx(0)


def test_a_single_sampled_frame_means_a_still_background() -> None:
    background = BackgroundMotion(np.array([0]), np.zeros((0, 3, 3)))
    points = np.ones((2, 2))
    assert (background.shift(points, 5) == 0).all()


@pytest.fixture
def photo() -> np.ndarray:
    noise = np.random.default_rng(2).integers(0, 256, (240, 320)).astype(np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5).astype(np.float32)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def flat_linear(count: int) -> np.ndarray:
    return np.broadcast_to(np.eye(2), (count, 2, 2))


def evenly(count: int) -> np.ndarray:
    return np.full((count, 225), 1 / 225)


def test_likeness_tells_equal_from_other(photo: np.ndarray) -> None:
    points = np.array([[60, 60], [200, 100], [120.5, 180.25]])
    first = sample(photo, points, flat_linear(3))
    assert likeness(first, first, evenly(3)) == pytest.approx(np.ones(3))
    other = sample(photo, points + 25, flat_linear(3))
    assert (likeness(first, other, evenly(3)) < 0.5).all()
    bright = np.clip(first + 80, 0, 255)
    differing = likeness(first, bright, evenly(3))
    assert (differing < 0.3).all(), "plain patches differ by brightness alone"


def test_offset_finds_a_small_shift(photo: np.ndarray) -> None:
    points = np.array([[60.0, 60], [200, 100], [120, 180]])
    templates = Templates(sample(photo, points, flat_linear(3)), evenly(3))
    shift = np.array([0.4, -0.3])
    found = templates.offset(sample(photo, points + shift, flat_linear(3)))
    assert found == pytest.approx(np.broadcast_to(shift, (3, 2)), abs=0.15)


def test_patches_of_no_points_are_empty() -> None:
    gray = np.zeros((20, 20), np.uint8)
    assert sample(gray, np.zeros((0, 2)), flat_linear(0)).shape == (0, 225)
    assert windows(gray > 0, np.zeros((0, 2))).shape == (0, 225)
    assert Templates(np.zeros((0, 225), np.float32), evenly(0)).texture.shape == (0,)


def test_what_lies_beside_the_outline_does_not_count(photo: np.ndarray) -> None:
    """The object's left edge is at x = 100: another background, and one that slides along it."""
    mask = np.zeros(photo.shape, bool)
    mask[:, 100:] = True
    points = np.array([[102.0, 60], [103, 100], [104, 180]])
    weights = windows(mask, points)
    assert weights.sum(axis=1) == pytest.approx(np.ones(3))
    templates = Templates(sample(photo, points, flat_linear(3)), weights)
    for background in (photo[::-1], np.roll(photo, 1, axis=1), np.zeros_like(photo)):
        looks = sample(np.where(mask, photo, background), points, flat_linear(3))
        assert templates.likeness(looks) == pytest.approx(np.ones(3))
        assert templates.offset(looks) == pytest.approx(np.zeros((3, 2)))


def test_a_patch_that_hardly_touches_the_object_counts_as_a_whole() -> None:
    mask = np.zeros((60, 60), bool)
    mask[:, 40:] = True
    points = np.array([[10.0, 30], [36, 30], [39, 30], [50, 30]])
    shares = (windows(mask, points) > 0).mean(axis=1)
    assert shares == pytest.approx([1, 4 / 15, 7 / 15, 1])


def test_pose_fit_ignores_a_minority() -> None:
    random = np.random.default_rng(0)
    before = random.random((20, 2)) * 100
    turn = np.array([[0.995, -0.0998, 4], [0.0998, 0.995, -2]])
    after = poses.apply(turn, before)
    after[:7] += 30
    fitted = poses.fit(before, after)
    assert fitted is not None
    found, followers = fitted
    assert found == pytest.approx(turn, abs=1e-2)
    assert followers.tolist() == [False] * 7 + [True] * 13
    assert poses.fit(before[:0], after[:0]) is None


def test_poses_invert_and_compose() -> None:
    pose = np.array([[0.9, -0.2, 4], [0.2, 0.9, -2]])
    points = np.random.default_rng(0).random((5, 2)) * 50
    there = poses.apply(pose, points)
    assert poses.apply(poses.invert(pose), there) == pytest.approx(points)
    assert poses.compose(poses.invert(pose), pose) == pytest.approx(poses.identity(), abs=1e-12)
    assert poses.fit_all(points, there) == pytest.approx(pose)


def test_working_pixels_keep_centres() -> None:
    scale = np.array([2.0, 3.0])
    assert to_working(np.array([[0.5, 1.0]]), scale) == pytest.approx(np.zeros((1, 2)))
    points = np.array([[13.0, 7.5]])
    assert to_source(to_working(points, scale), scale) == pytest.approx(points)
