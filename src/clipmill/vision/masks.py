"""Operations on masks, bool [H, W]."""

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
"""bool [H, W]."""

SoftMask = npt.NDArray[np.float32]
"""float32 [H, W] in [0, 1]."""


def disc(radius: int) -> npt.NDArray[np.uint8]:
    """Return a disc as a structuring element, uint8 [2 r + 1, 2 r + 1]."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def grow(mask: Mask, radius: int) -> Mask:
    """Return the mask dilated by a disc."""
    return cv2.dilate(mask.astype(np.uint8), disc(radius)) > 0


def shrink(mask: Mask, radius: int) -> Mask:
    """Return the mask eroded by a disc; what lies beyond the picture counts as mask."""
    return ~grow(~mask, radius)


def components(mask: Mask, *, min_pixels: float) -> list[Mask]:
    """Return the 8-connected parts of a mask with at least `min_pixels`, largest first."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    sizes = stats[:, cv2.CC_STAT_AREA]
    order = sorted(range(1, count), key=lambda label: -int(sizes[label]))
    return [labels == label for label in order if sizes[label] >= min_pixels]


def overlap(a: Mask, b: Mask) -> float:
    """Return intersection over union of two masks, [0, 1]; 1 when both are empty."""
    union = int((a | b).sum())
    return float((a & b).sum() / union) if union else 1.0


def window_of(mask: Mask, *, margin: int) -> tuple[slice, slice]:
    """Return the rows and columns of a mask that is not empty, with a margin, within the grid."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    rows = slice(max(0, y - margin), min(mask.shape[0], y + height + margin))
    columns = slice(max(0, x - margin), min(mask.shape[1], x + width + margin))
    return rows, columns


def touches_edge(mask: Mask, *, width: int = 2) -> bool:
    """Return whether a mask reaches into the outermost pixels of the picture."""
    w = width
    return bool(mask[:w].any() or mask[-w:].any() or mask[:, :w].any() or mask[:, -w:].any())


def box_of(mask: Mask, *, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return x0, y0, x1, y1 of a mask in source pixels, half-open; zeros when it is empty.

    Args:
        mask: bool [H, W], at any resolution; its grid covers the whole frame.
        size: (width, height) of the source.
    """
    if not mask.any():
        return 0.0, 0.0, 0.0, 0.0
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    across, down = size[0] / mask.shape[1], size[1] / mask.shape[0]
    return x * across, y * down, (x + width) * across, (y + height) * down
