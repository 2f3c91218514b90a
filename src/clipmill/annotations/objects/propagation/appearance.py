"""What a thing looks like: a histogram of its colours, learned slowly."""

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.objects.propagation.frames import Picture
from clipmill.vision.masks import Mask

Histogram = npt.NDArray[np.float32]

_BINS = [6, 10, 10]  # few of lightness: shadows come and go
_RANGES = [0, 256, 0, 256, 0, 256]
_FEWEST = 8
_LEARN = 0.1


def colours(lab: Picture, mask: Mask) -> Histogram | None:
    """Return the histogram of a mask in CIE L*a*b*, sum 1; None for a tiny mask."""
    if mask.sum() < _FEWEST:
        return None
    counts = cv2.calcHist([lab], [0, 1, 2], mask.astype(np.uint8), _BINS, _RANGES).ravel()
    return np.asarray(counts / counts.sum(), np.float32)


class Appearance:
    """Colours and size of a thing.

    Args:
        lab: uint8 [H, W, 3], the frame in L*a*b*.
        mask: bool [H, W], where the thing is.
    """

    def __init__(self, lab: Picture, mask: Mask) -> None:
        found = colours(lab, mask)
        size = int(np.prod(_BINS))
        self.histogram = np.full(size, 1 / size, np.float32) if found is None else found
        self.area = float(mask.sum())

    def likeness(self, lab: Picture, mask: Mask) -> float:
        """Return the Bhattacharyya coefficient with a mask, [0, 1]."""
        found = colours(lab, mask)
        return 0.0 if found is None else float(np.sqrt(found * self.histogram).sum())

    def size_fit(self, mask: Mask) -> float:
        """Return 1 for a mask of half to twice the size, less beyond, [0, 1]."""
        ratio = float(mask.sum()) / max(self.area, 1.0)
        return min(1.0, 2 * min(ratio, 1 / max(ratio, 1e-6)))

    def learn(self, lab: Picture, mask: Mask) -> None:
        """Take in a mask that is believed."""
        found = colours(lab, mask)
        if found is not None:
            self.histogram = (1 - _LEARN) * self.histogram + _LEARN * found
            self.area = (1 - _LEARN) * self.area + _LEARN * float(mask.sum())
