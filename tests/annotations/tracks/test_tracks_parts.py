"""What all trackers share: motion measures and working pixels."""

import numpy as np
import pytest

from clipmill.annotations.tracks.motion import BackgroundMotion, motion_speed, motion_strength
from clipmill.annotations.tracks.windows import to_source, to_working

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


def test_working_pixels_keep_centres() -> None:
    scale = np.array([2.0, 3.0])
    assert to_working(np.array([[0.5, 1.0]]), scale) == pytest.approx(np.zeros((1, 2)))
    points = np.array([[13.0, 7.5]])
    assert to_source(to_working(points, scale), scale) == pytest.approx(points)
