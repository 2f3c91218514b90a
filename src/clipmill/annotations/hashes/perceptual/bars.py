"""Black bars around a picture, as letterboxes and pillarboxes have them."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

BLACK: Final = 24
"""Grey level up to which a pixel is black; encoders leave noise."""

_MOST: Final = 0.45
"""Share of a side that one bar may have."""

_SOFT: Final = 1
"""Rows beside a bar that are part bar, part picture, where pictures are scaled down."""


class WithoutBars(NamedTuple):
    """Rows and columns of the picture that no bar covers, [top, bottom) and [left, right)."""

    top: int
    bottom: int
    left: int
    right: int

    def cut(self, frames: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return frames [F, H, W] without their bars."""
        return frames[:, self.top : self.bottom, self.left : self.right]


def inside_bars(frames: npt.NDArray[np.uint8]) -> WithoutBars:
    """Find what is left of a clip's pictures without black bars.

    Args:
        frames: uint8 [F, H, W]; a bar is black in all of them.
    """
    brightest = frames.max(axis=0, initial=0)
    top, bottom = _within(brightest.max(axis=1, initial=0))
    left, right = _within(brightest.max(axis=0, initial=0))
    return WithoutBars(top, bottom, left, right)


def _within(levels: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Return the range of rows between two bars, of the brightest pixel of each."""
    seen = np.flatnonzero(levels > BLACK)
    size = len(levels)
    if not len(seen):
        return 0, size
    first, last = int(seen[0]), int(seen[-1]) + 1
    most = int(_MOST * size)
    low = min(first + _SOFT if first else 0, most)
    high = max(last - _SOFT if last < size else size, size - most)
    return low, high
