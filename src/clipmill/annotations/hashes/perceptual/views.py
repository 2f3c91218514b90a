"""Parts of a picture that a cropped copy may show."""

from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.hashes.perceptual.signs import SIDE


class View(NamedTuple):
    """A part of a picture, in shares of its sides."""

    left: float
    top: float
    right: float
    bottom: float


def _views() -> tuple[View, ...]:
    """Return the whole, and parts of a few sizes: in the middle, and towards sides and corners."""
    found = [View(0.0, 0.0, 1.0, 1.0)]
    for size, places in SIZES:
        starts = np.linspace(0.0, 1.0 - size, places) if places > 1 else [(1.0 - size) / 2]
        found += [View(x, y, x + size, y + size) for y in starts for x in starts]
    return tuple(found)


SIZES: Final = ((0.9, 2), (0.8, 3), (0.7, 1))
"""Side of the parts, and how many stand side by side."""

VIEWS: Final = _views()


def view_pictures(frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the views of frames, small.

    Args:
        frames: uint8 [F, H, W].

    Returns:
        float32 [F, V, 32, 32], in the order of `VIEWS`.
    """
    count, height, width = frames.shape
    result = np.empty((count, len(VIEWS), SIDE, SIDE), np.float32)
    for place, view in enumerate(VIEWS):
        rows = slice(round(view.top * height), max(round(view.bottom * height), 1))
        columns = slice(round(view.left * width), max(round(view.right * width), 1))
        for number in range(count):
            part = np.ascontiguousarray(frames[number, rows, columns])
            small = cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            result[number, place] = small
    return result
