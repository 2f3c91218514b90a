"""Query points for the tracker: K-means centres of an object's pixels."""

import numpy as np
import numpy.typing as npt

from clipmill.vision.kmeans import Clusters
from clipmill.vision.masks import Mask, shrink

_MIN_AREA, _MAX_AREA = 0.033, 0.4
_FEWEST, _MOST = 8, 26
_SHARE = 0.15
_MOST_PIXELS = 6000


def num_points(area: float) -> int:
    """Return how many points an object of this share of the frame gets: 8 to 26."""
    wanted = _FEWEST + int(18 * (area - _MIN_AREA) / (_MAX_AREA - _MIN_AREA))
    return int(np.clip(wanted, _FEWEST, _MOST))


def query_points(
    mask: Mask, *, size: tuple[int, int], margin: int, seed: int
) -> npt.NDArray[np.float32]:
    """Choose query points inside a mask.

    A seeded share of the pixels is clustered; centres are cut to whole pixels of the mask's grid
    and those outside of the mask (of a ring, say) are dropped. A margin keeps points off the
    edge, where a tracker would follow the background; it is given up where the mask is thin.

    Args:
        mask: bool [H, W] at the working size.
        size: (width, height) of the source.
        margin: Working pixels to stay inside the edge.
        seed: Decides which pixels are clustered.

    Returns:
        float32 [N, 2], x, y in source pixels: centres of working pixels, hence inside the image
        and inside the mask decoded at source size. N may be 0.
    """
    inner = shrink(mask, margin) if margin > 0 else mask
    if inner.sum() < 0.25 * mask.sum():
        inner = mask
    pixels = np.argwhere(inner)
    rng = np.random.default_rng(seed)
    kept = pixels[rng.random(len(pixels)) < _SHARE]
    if len(kept) > _MOST_PIXELS:
        kept = kept[rng.choice(len(kept), _MOST_PIXELS, replace=False)]
    count = num_points(float(mask.mean()))
    if len(kept) < count:
        kept = pixels
    if len(kept) < count:
        return np.zeros((0, 2), np.float32)
    centres = Clusters(kept.astype(np.float64), count).centres
    rows, columns = np.trunc(centres).astype(int).T
    inside = mask[rows, columns]
    scale = np.array([size[0] / mask.shape[1], size[1] / mask.shape[0]])
    points = (np.stack([columns, rows], axis=1)[inside] + 0.5) * scale - 0.5
    return points.astype(np.float32)
