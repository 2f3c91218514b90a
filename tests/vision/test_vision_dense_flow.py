import cv2
import numpy as np
import pytest

from clipmill.vision.dense_flow import (
    FlowEstimator,
    PairFlows,
    halved,
    lengths,
    pixel_grid,
    round_trip,
    sample,
)

SHAPE = (120, 200)


@pytest.fixture(scope="module")
def texture():
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (SHAPE[0] + 40, SHAPE[1] + 40)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.5)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def crop(texture, x=0, y=0):
    """Return a view of the texture whose content lies `x`, `y` further right and down."""
    return texture[20 - y : 20 - y + SHAPE[0], 20 - x : 20 - x + SHAPE[1]].copy()


def inner(field):
    return field[20:-20, 20:-20]


def test_vectors_are_x_right_and_y_down(texture):
    flow = FlowEstimator().one_way(crop(texture), crop(texture, 4, -3))
    assert flow.shape == (*SHAPE, 2)
    assert np.median(inner(flow), axis=(0, 1)) == pytest.approx([4, -3], abs=0.1)


def test_what_is_seen_in_both_frames_is_consistent_and_what_leaves_is_not(texture):
    flow = FlowEstimator().checked(crop(texture), crop(texture, 8, 0))
    assert inner(flow.consistent).mean() > 0.95
    assert not flow.consistent[:, -8:].any()


def test_what_gets_hidden_is_not_consistent(texture):
    a, b = crop(texture), crop(texture)
    mover = cv2.flip(texture, -1)[40:80, 60:100]
    a[40:80, 60:100] = mover
    b[40:80, 72:112] = mover
    consistent = FlowEstimator().checked(a, b).consistent
    assert consistent[45:75, 102:110].mean() < 0.2, "it hides this"
    assert consistent[45:75, 65:90].mean() > 0.9, "it moves itself"
    assert consistent[5:30].mean() > 0.9


def test_the_round_trip_forgives_a_share_of_the_motion():
    ahead = np.zeros((20, 80, 2), np.float32)
    ahead[..., 0] = 20
    back = -ahead
    back[..., 0] += 1.9
    near, far = slice(0, 50), slice(60, 80)
    assert round_trip(ahead, back)[:, near].all()
    assert not round_trip(ahead, back, tolerance=0.5)[:, near].any()
    assert not round_trip(ahead, -ahead)[:, far].any(), "it leaves the picture"


def test_sampling_is_bilinear_and_repeats_the_edges():
    ramp = np.tile(np.arange(10, dtype=np.float32), (6, 1))
    at = pixel_grid(6, 10) + np.array([0.25, 0], np.float32)
    assert sample(ramp, at)[2] == pytest.approx([*np.arange(9) + 0.25, 9])


def test_the_grid_holds_x_and_y_and_cannot_be_written():
    grid = pixel_grid(3, 5)
    assert grid[2, 4].tolist() == [4, 2]
    with pytest.raises(ValueError, match="read-only"):
        grid[0, 0] = 1
    assert lengths(np.full((2, 2, 2), (3, 4), np.float32)).tolist() == [[5, 5], [5, 5]]


def test_halving_keeps_vectors():
    field = np.full((11, 21, 2), (3.5, -1.25), np.float32)
    assert halved(field).shape == (5, 10, 2)
    assert (halved(field) == np.array([3.5, -1.25])).all()
    assert halved(np.ones((1, 1, 2), np.float32)).shape == (1, 1, 2)


def test_pairs_are_computed_once_and_both_ways(texture):
    frames = {5: crop(texture), 6: crop(texture, 2, 1)}
    pairs = PairFlows(frames)
    ahead, back = pairs.between(5, 6), pairs.between(6, 5)
    assert np.median(inner(ahead), axis=(0, 1)) == pytest.approx([2, 1], abs=0.1)
    assert np.median(inner(back), axis=(0, 1)) == pytest.approx([-2, -1], abs=0.1)
    frames.clear()
    frames[5] = frames[6] = np.zeros(SHAPE, np.uint8)
    assert np.array_equal(pairs.between(5, 6), ahead)
