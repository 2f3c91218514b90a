import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from clipmill.vision.kmeans import Clusters


def blobs() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.random((5000, 2)) * 100 + rng.integers(0, 3, (5000, 1)) * 200


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_same_bytes_whatever_the_threads(threads):
    with threadpool_limits(1):
        alone = Clusters(blobs(), 12)
        labels = alone.labels(blobs())
    with threadpool_limits(threads):
        together = Clusters(blobs(), 12)
        assert np.array_equal(together.labels(blobs()), labels)
    assert together.centres.tobytes() == alone.centres.tobytes()


def test_blobs_that_lie_apart_are_told_apart():
    clusters = Clusters(blobs(), 3, starts=3)
    assert np.sort(clusters.centres[:, 0]) == pytest.approx([50, 250, 450], abs=3)
    assert np.array_equal(np.bincount(clusters.labels(clusters.centres)), [1, 1, 1])
