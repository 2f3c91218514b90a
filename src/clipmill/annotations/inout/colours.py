"""Snaps a carried mask to the edges of the picture, and tells whether it still looks alike.

Method: GrabCut (Rother, Kolmogorov, Blake, SIGGRAPH 2004), free only in a band about the edge.
"""

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Picture = npt.NDArray[np.uint8]

_BINS = 8
_BLUR = 3


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def grow(mask: Mask, radius: int) -> Mask:
    """Return the mask dilated by a disc."""
    return cv2.dilate(mask.astype(np.uint8), _disc(radius)) > 0


def window_of(mask: Mask, *, margin: int) -> tuple[slice, slice]:
    """Return the rows and columns of a mask that is not empty, with a margin."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    rows = slice(max(0, y - margin), min(mask.shape[0], y + height + margin))
    columns = slice(max(0, x - margin), min(mask.shape[1], x + width + margin))
    return rows, columns


def snap(picture: Picture, mask: Mask, doubtful: Mask, *, band: int) -> Mask:
    """Fit the edge of a mask to the picture.

    Args:
        picture: uint8 [H, W, 3], RGB.
        mask: bool [H, W], the carried mask.
        doubtful: bool [H, W], pixels beyond the band that may belong to the object too.
        band: Half width of the band, pixels.

    Returns:
        bool [H, W]; the carried mask where colours are no help.
    """
    if not mask.any():
        return mask
    place = window_of(mask | doubtful, margin=4 * band)
    own, unsure = mask[place], doubtful[place]
    near = grow(own, band)
    core = ~grow(~own, band)
    labels = np.full(own.shape, cv2.GC_BGD, np.uint8)
    labels[near | unsure] = cv2.GC_PR_BGD
    labels[own] = cv2.GC_PR_FGD
    labels[core & ~unsure] = cv2.GC_FGD
    if not ((labels == cv2.GC_FGD).any() and (labels == cv2.GC_BGD).any()):
        return mask
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    view = np.ascontiguousarray(picture[place])
    cv2.grabCut(view, labels, None, *models, 1, cv2.GC_INIT_WITH_MASK)
    fitted = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    fitted = cv2.medianBlur(fitted, _BLUR) > 0
    if not 0.7 <= fitted.sum() / own.sum() <= 1.5:
        return mask
    result = np.zeros_like(mask)
    result[place] = fitted
    return result


class Palette:
    """Colours of an object against what lay about it, learned once, at the anchor."""

    def __init__(self, picture: Picture, mask: Mask) -> None:
        bins = self._bins(picture)
        place = window_of(mask, margin=max(mask.shape) // 8)
        near = np.zeros_like(mask)
        near[place] = True
        inside = np.bincount(bins[mask], minlength=_BINS**3) + 0.5
        outside = np.bincount(bins[near & ~mask], minlength=_BINS**3) + 0.5
        inside, outside = inside / inside.sum(), outside / outside.sum()
        self._share = (inside / (inside + outside)).astype(np.float32)
        self._own = inside > outside
        self._typical = max(float(self._own[bins[mask]].mean()), 1e-3)

    @staticmethod
    def _bins(picture: Picture) -> npt.NDArray[np.int64]:
        parts = (picture >> 5).astype(np.int64)
        return parts[..., 0] * _BINS**2 + parts[..., 1] * _BINS + parts[..., 2]

    def likeness(self, picture: Picture, mask: Mask) -> float:
        """Return how much a mask shows the object's colours, 1 being as at the anchor."""
        if not mask.any():
            return 0.0
        return min(1.0, float(self._own[self._bins(picture[mask])].mean()) / self._typical)

    def probability(self, picture: Picture) -> npt.NDArray[np.float32]:
        """Return how likely each pixel is the object's by its colour, float32 [H, W]."""
        return np.asarray(cv2.blur(self._share[self._bins(picture)], (5, 5)), np.float32)
