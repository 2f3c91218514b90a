"""What is kept of a thing at a frame."""

import numpy as np

from clipmill.annotations.objects.propagation.sight import Sight


def test_it_keeps_a_soft_mask():
    soft = np.random.default_rng(0).random((18, 32)).astype(np.float32)
    sight = Sight.of(soft, 0.5)
    assert np.abs(sight.soft - soft).max() < 0.002
    clear = np.abs(soft - 0.5) > 0.002
    assert np.array_equal(sight.mask[clear], (soft > 0.5)[clear])


def test_it_takes_no_more_memory_than_the_thing_is_large():
    soft = np.zeros((180, 320), np.float32)
    soft[40:60, 100:150] = 1
    sight = Sight.of(soft, 1.0)
    assert sight.crop.nbytes == 20 * 50
    assert sight.crop.base is None, "it holds the whole frame"
    assert np.array_equal(sight.mask, soft > 0.5)


def test_nothing_is_kept_of_nothing():
    sight = Sight.of(np.zeros((18, 32), np.float32), 0.0)
    assert sight.crop.size == 0
    assert sight.mask.shape == (18, 32)
    assert not sight.mask.any()
