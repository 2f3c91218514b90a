"""Moves a soft mask from one frame to the next.

The dense flow bends the mask. Where the flow does not come back to where it began (what the
object uncovers is dragged along by it, and would smear the mask), the similarity that the
object's pixels share decides instead.
"""

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.objects.propagation.frames import ClipFrames
from clipmill.vision.dense_flow import Field, pixel_grid
from clipmill.vision.masks import Mask, SoftMask

Shift = tuple[float, float]

_MOST_SAMPLES = 400
_FEWEST_SAMPLES = 6
_TOLERANCE = 2.0  # working pixels, limbs included
_MOST_GROWTH = 0.18  # from one frame to the next


def carry_mask(frames: ClipFrames, soft: SoftMask, here: int, there: int) -> tuple[SoftMask, float]:
    """Carry a soft mask to a neighbouring frame.

    Args:
        frames: The clip.
        soft: float32 [H, W] at frame `here`.
        here: Frame of the mask.
        there: A frame beside it.

    Returns:
        The mask at `there`, and the share of the mask whose flow goes there and back, [0, 1].
    """
    flow, back = frames.flow(here, there), frames.flow(there, here)
    bent = _follow(soft, back)
    mask = soft > 0.5
    sure = frames.trusted(here, there)
    moved = _similarity(mask, flow, sure)
    if moved is None:
        return bent, 0.0
    height, width = soft.shape
    stiff = cv2.warpAffine(soft, moved, (width, height), flags=cv2.INTER_LINEAR)
    doubtful = 0.5 * stiff + 0.5 * np.minimum(stiff, bent)
    carried = np.where(frames.trusted(there, here), bent, doubtful)
    return np.asarray(carried, np.float32), float(sure[mask].mean()) if mask.any() else 0.0


def shift_of(frames: ClipFrames, mask: Mask, here: int, there: int) -> Shift | None:
    """Return the median motion of a mask, x and y in working pixels; None where flow fails."""
    sure = mask & frames.trusted(here, there)
    if sure.sum() < _FEWEST_SAMPLES:
        return None
    across, down = np.median(frames.flow(here, there)[sure], axis=0)
    return float(across), float(down)


def shifted(soft: SoftMask, shift: Shift) -> SoftMask:
    """Return a soft mask moved by x and y working pixels; what leaves the picture is gone."""
    height, width = soft.shape
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
    return np.asarray(cv2.warpAffine(soft, matrix, (width, height)), np.float32)


def _follow(soft: SoftMask, back: Field) -> SoftMask:
    """Fetch every pixel of the new frame from where the flow says it was."""
    at = pixel_grid(*soft.shape) + back
    return np.asarray(
        cv2.remap(soft, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32
    )


def _similarity(mask: Mask, flow: Field, sure: Mask) -> npt.NDArray[np.float64] | None:
    """Return the similarity [2, 3] that most of the mask follows; None for a tiny mask."""
    rows, columns = np.nonzero(mask & sure)
    if len(rows) < 2 * _FEWEST_SAMPLES:
        rows, columns = np.nonzero(mask)
    if len(rows) < _FEWEST_SAMPLES:
        return None
    step = max(1, len(rows) // _MOST_SAMPLES)
    rows, columns = rows[::step], columns[::step]
    first = np.stack([columns, rows], axis=1).astype(np.float32)
    second = first + flow[rows, columns]
    cv2.setRNGSeed(0)
    matrix, _ = cv2.estimateAffinePartial2D(
        first, second, method=cv2.RANSAC, ransacReprojThreshold=_TOLERANCE, maxIters=200
    )
    if matrix is not None and abs(np.hypot(matrix[0, 0], matrix[1, 0]) - 1) < _MOST_GROWTH:
        return np.asarray(matrix, np.float64)
    shift = np.median(second - first, axis=0)
    return np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
