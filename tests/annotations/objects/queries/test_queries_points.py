import cv2
import numpy as np
import pytest

from clipmill.annotations.objects.queries.points import num_points, query_points
from clipmill.store.codecs import decode_mask, encode_mask


def ellipse(height=120, width=200, axes=(50, 30)):
    mask = np.zeros((height, width), np.uint8)
    return cv2.ellipse(mask, (width // 2, height // 2), axes, 0, 0, 360, 1, -1) > 0


@pytest.mark.parametrize(("area", "count"), [(0.0, 8), (0.033, 8), (0.2, 16), (0.4, 26), (0.9, 26)])
def test_number_of_points_grows_with_the_area(area, count):
    assert num_points(area) == count


def test_points_are_x_first_and_on_the_mask_at_source_size():
    mask = ellipse()
    points = query_points(mask, size=(1280, 768), margin=2, seed=3)
    assert points.dtype == np.float32
    assert len(points) == num_points(mask.mean())
    source = decode_mask(encode_mask(mask), size=(768, 1280))
    column, row = np.rint(points).astype(int).T
    assert source[row, column].all()
    # The ellipse is wider than tall, so x must vary more.
    assert np.ptp(points[:, 0]) > np.ptp(points[:, 1])


def test_points_keep_off_the_edge():
    mask = ellipse()
    points = query_points(mask, size=(200, 120), margin=3, seed=0)
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    column, row = np.rint(points).astype(int).T
    assert distance[row, column].min() >= 3


def test_centres_off_a_ring_are_dropped():
    ring = ellipse(axes=(40, 40)) & ~ellipse(axes=(37, 37))
    points = query_points(ring, size=(200, 120), margin=2, seed=0)
    column, row = np.rint(points).astype(int).T
    assert ring[row, column].all()
    assert len(points) < num_points(ring.mean())


def test_seed_decides_and_repeats():
    mask = ellipse()
    draws = [query_points(mask, size=(200, 120), margin=2, seed=seed) for seed in (1, 1, 2)]
    assert np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_a_mask_of_a_few_pixels_gives_no_points():
    speck = np.zeros((40, 40), bool)
    speck[3, 3:6] = True
    assert query_points(speck, size=(40, 40), margin=2, seed=0).shape == (0, 2)
