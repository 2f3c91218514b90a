"""What a thing looks like: histograms of its colours, and its size."""

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.objects.propagation.frames import Picture
from clipmill.vision.masks import Mask, grow, touches_edge

Histogram = npt.NDArray[np.float32]

# Lightness, a*, b*. Few of lightness: shadows come and go.
_COARSE = (6, 10, 10)  # forgiving: which of several masks is most like the thing
_FINE = (6, 24, 24)  # dull colours are told apart: whether it is the thing at all
_RANGES = [0, 256, 0, 256, 0, 256]
_FEWEST = 8
_LEARN = 0.1
_LIKE = 0.5  # likeness below which a mask shows something else
_STANDS_OUT = 0.9  # share of the likeness with its surroundings that a mask must reach
_GAP, _RING = 2, 0.25  # working pixels; share of the square root of the area


def colours(lab: Picture, mask: Mask, bins: tuple[int, int, int] = _COARSE) -> Histogram | None:
    """Return the histogram of a mask in CIE L*a*b*, sum 1; None for a tiny mask."""
    if mask.sum() < _FEWEST:
        return None
    counts = cv2.calcHist([lab], [0, 1, 2], mask.astype(np.uint8), list(bins), _RANGES).ravel()
    return np.asarray(counts / counts.sum(), np.float32)


class Appearance:
    """Colours and size of a thing.

    A thing that is first seen cut by the picture's edge has no size yet, and may be of other
    colours further in: both are taken from the first look at all of it.

    Args:
        lab: uint8 [H, W, 3], the frame in L*a*b*.
        mask: bool [H, W], where the thing is.
    """

    def __init__(self, lab: Picture, mask: Mask) -> None:
        self._first, self._histogram = _unknown(_FINE), _unknown(_COARSE)
        self._begin(lab, mask)
        self._is_cut = touches_edge(mask)

    def _begin(self, lab: Picture, mask: Mask) -> None:
        coarse, fine = colours(lab, mask), colours(lab, mask, _FINE)
        if coarse is not None and fine is not None:
            self._histogram, self._first = coarse, fine
        self._learned = self._first
        self.area = float(mask.sum())

    def likeness(self, lab: Picture, mask: Mask) -> float:
        """Return the Bhattacharyya coefficient with a mask, [0, 1]."""
        return _alike(colours(lab, mask), self._histogram)

    def is_at(self, lab: Picture, mask: Mask) -> bool:
        """Whether a mask shows the thing, or some of it, rather than what lies about the mask.

        Background that was taken for the thing looks like the background beside it, more than
        anything looks like itself after a while; so both likenesses are compared. That with the
        first look counts as much as that with what was learned, so that a mistake that was
        learned does not take over.
        """
        own = colours(lab, mask, _FINE)
        if own is None:
            return False
        likeness = (_alike(own, self._first) + _alike(own, self._learned)) / 2
        reach = max(3 * _GAP, round(_RING * float(np.sqrt(mask.sum()))))
        about = colours(lab, grow(mask, reach) & ~grow(mask, _GAP), _FINE)
        around = 0.0 if about is None else _alike(own, about)
        return likeness > max(_LIKE, _STANDS_OUT * around)

    def size_fit(self, mask: Mask) -> float:
        """Return 1 for a mask of half to twice the size, less beyond, [0, 1]."""
        ratio = float(mask.sum()) / max(self.area, 1.0)
        if self._is_cut and ratio > 1:
            return 1.0
        return min(1.0, 2 * min(ratio, 1 / max(ratio, 1e-6)))

    def learn(self, lab: Picture, mask: Mask) -> None:
        """Take in a mask that is believed; of one at the picture's edge, only that it is larger."""
        coarse, fine = colours(lab, mask), colours(lab, mask, _FINE)
        if coarse is None or fine is None:
            return
        if touches_edge(mask):
            self.area = max(self.area, float(mask.sum())) if self._is_cut else self.area
        elif self._is_cut:
            self._begin(lab, mask)
            self._is_cut = False
        else:
            self._histogram = (1 - _LEARN) * self._histogram + _LEARN * coarse
            self._learned = (1 - _LEARN) * self._learned + _LEARN * fine
            self.area = (1 - _LEARN) * self.area + _LEARN * float(mask.sum())


def _unknown(bins: tuple[int, int, int]) -> Histogram:
    """Return the histogram of every colour alike."""
    size = int(np.prod(bins))
    return np.full(size, 1 / size, np.float32)


def _alike(a: Histogram | None, b: Histogram) -> float:
    """Return the Bhattacharyya coefficient, [0, 1]; 0 for a tiny mask."""
    return 0.0 if a is None else float(np.sqrt(a * b).sum())
