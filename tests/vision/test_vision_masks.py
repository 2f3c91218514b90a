import cv2
import numpy as np
import pytest

from clipmill.vision.masks import (
    box_of,
    components,
    disc,
    grow,
    overlap,
    shrink,
    touches_edge,
    window_of,
)


def block(top, bottom, left, right, shape=(40, 60)):
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


EMPTY = block(0, 0, 0, 0)


def test_growing_a_pixel_gives_the_disc():
    assert grow(block(20, 21, 30, 31), 3)[17:24, 27:34].astype(int).tolist() == disc(3).tolist()
    assert grow(EMPTY, 5).sum() == 0


def test_shrinking_undoes_growing_of_a_disc():
    dot = block(20, 21, 30, 31)
    assert np.array_equal(shrink(grow(dot, 4), 4), dot)


def test_what_lies_beyond_the_picture_counts_as_mask():
    assert shrink(block(0, 40, 0, 60), 5).all()
    assert np.array_equal(shrink(block(0, 40, 0, 30), 5), block(0, 40, 0, 25))


def test_components_are_largest_first_and_not_too_small():
    large, small, speck = block(2, 12, 2, 12), block(20, 25, 20, 25), block(30, 31, 50, 51)
    found = components(large | small | speck, min_pixels=2)
    assert [part.sum() for part in found] == [100, 25]
    assert np.array_equal(found[0], large)
    assert len(components(large | small | speck, min_pixels=25)) == 2
    assert components(EMPTY, min_pixels=0) == []


def test_pixels_that_touch_at_a_corner_are_one_component():
    stairs = block(5, 10, 5, 10) | block(10, 15, 10, 15)
    assert len(components(stairs, min_pixels=1)) == 1


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (block(0, 10, 0, 10), block(0, 10, 0, 10), 1.0),
        (block(0, 10, 0, 10), block(0, 10, 5, 15), 1 / 3),
        (block(0, 10, 0, 10), block(20, 30, 0, 10), 0.0),
        (EMPTY, block(0, 10, 0, 10), 0.0),
        (EMPTY, EMPTY, 1.0),
    ],
)
def test_overlap(a, b, expected):
    assert overlap(a, b) == overlap(b, a) == pytest.approx(expected)


def test_window_has_a_margin_within_the_grid():
    assert window_of(block(10, 20, 30, 35), margin=4) == (slice(6, 24), slice(26, 39))
    assert window_of(block(1, 39, 2, 59), margin=4) == (slice(0, 40), slice(0, 60))


@pytest.mark.parametrize("turns", range(4))
def test_each_edge_is_touched_within_the_width_only(turns):
    near, off = np.rot90(block(10, 20, 1, 9), turns), np.rot90(block(10, 20, 2, 9), turns)
    assert touches_edge(near)
    assert not touches_edge(off)
    assert touches_edge(off, width=3)
    assert not touches_edge(near, width=1)


def test_box_is_half_open_in_source_pixels():
    mask = block(2, 5, 4, 9, shape=(10, 20))
    assert box_of(mask, size=(40, 20)) == (8, 4, 18, 10)
    assert box_of(EMPTY, size=(40, 20)) == (0, 0, 0, 0)
    assert box_of(np.ones((10, 20), bool), size=(640, 360)) == (0, 0, 640, 360)


def test_growing_is_a_dilation_by_the_same_disc():
    rng = np.random.default_rng(0)
    speckled = rng.random((50, 70)) < 0.02
    expected = cv2.dilate(speckled.astype(np.uint8), disc(2)) > 0
    assert np.array_equal(grow(speckled, 2), expected)
