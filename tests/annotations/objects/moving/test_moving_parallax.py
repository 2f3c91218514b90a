"""Standing and moving parts before a travelling camera, from exact projections of points."""

import numpy as np
import pytest

from clipmill.annotations.objects.moving.parallax import FlowMatches, matches_of, stands_still
from clipmill.vision.dense_flow import Flow

HEIGHT, WIDTH, FOCAL = 240, 320, 300.0
PART = np.zeros((HEIGHT, WIDTH), bool)
PART[90:150, 130:190] = True


def matches(*, travel, own=(0.0, 0.0, 0.0), turn=0.0, near=2.0, plane=False, noise=0.2):
    """Project a cluttered room, 4 to 12 deep, and the part in front of it, into a second view."""
    y, x = np.mgrid[3:HEIGHT:6, 3:WIDTH:6].reshape(2, -1).astype(float)
    rng = np.random.default_rng(0)
    inside = PART[y.astype(int), x.astype(int)]
    depth = np.where(inside, near, 6.0 if plane else 4.0 + 8 * rng.random(len(x)))
    points = np.stack([(x - WIDTH / 2) * depth / FOCAL, (y - HEIGHT / 2) * depth / FOCAL, depth], 1)
    points[inside] += own
    cos, sin = np.cos(turn), np.sin(turn)
    moved = points @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]]) - np.array(travel)
    to = moved[:, :2] / moved[:, 2:] * FOCAL + [WIDTH / 2, HEIGHT / 2]
    to += rng.normal(0, noise, to.shape)
    return FlowMatches(np.stack([x, y], 1).astype(np.float32), to.astype(np.float32))


TRAVEL = (0.15, 0.0, 0.1)


def test_a_standing_thing_before_a_travelling_camera_stands_still():
    assert stands_still(PART, [matches(travel=TRAVEL), matches(travel=(0.3, 0, 0.2), turn=0.02)])


def test_a_thing_that_leaves_the_epipolar_lines_moves():
    assert not stands_still(PART, [matches(travel=TRAVEL, own=(0.0, 0.1, 0.0))])


def test_moving_at_one_of_several_frames_is_moving():
    walks = matches(travel=TRAVEL, own=(0.0, 0.1, 0.0))
    assert not stands_still(PART, [matches(travel=TRAVEL), walks])


@pytest.mark.parametrize("turn", [0.0, 0.02])
def test_nothing_is_told_where_the_background_shows_no_parallax(turn):
    """A camera that stands or only turns: any motion fits some fundamental matrix."""
    still = matches(travel=(0, 0, 0), turn=turn, own=(0.2, 0, 0), plane=True)
    assert not stands_still(PART, [still])


def test_too_little_to_tell_from():
    some = matches(travel=TRAVEL)
    assert not stands_still(np.zeros_like(PART), [some])
    assert not stands_still(np.ones_like(PART), [some])
    assert not stands_still(PART, [])


def test_matches_are_the_trusted_vectors_of_a_flow():
    vectors = np.full((HEIGHT, WIDTH, 2), (3.0, -1.0), np.float32)
    trusted = np.zeros((HEIGHT, WIDTH), bool)
    trusted[:, : WIDTH // 2] = True
    found = matches_of(Flow(vectors, trusted))
    assert len(found.at) == len(found.to) > 500
    assert found.at[:, 0].max() < WIDTH // 2
    np.testing.assert_allclose(found.to - found.at, np.tile([3.0, -1.0], (len(found.at), 1)))


def test_matches_without_a_model_tell_nothing():
    rng = np.random.default_rng(0)
    grid = matches(travel=TRAVEL).at
    scattered = rng.uniform(0, 240, grid.shape).astype(np.float32)
    assert not stands_still(PART, [FlowMatches(grid, scattered)])
    # All to one place: whatever is said, it is said.
    assert stands_still(PART, [FlowMatches(grid, np.full_like(grid, 50))]) in (True, False)


def test_a_camera_that_stands_sees_no_parallax_however_many_things_move():
    some = matches(travel=(0, 0, 0), own=(0.2, 0, 0), plane=True)
    other = (some.at[:, 0] > 220) & (some.at[:, 1] > 40)
    to = some.to + np.float32([9, 0]) * other[:, None]
    assert not stands_still(PART, [FlowMatches(some.at, to)])
