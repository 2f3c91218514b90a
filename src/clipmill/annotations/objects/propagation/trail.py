"""What a moving thing leaves behind: pixels of its mask that have come to stand on the background.

Flow is smooth, so a thing drags some background along at its edge, and loses it again further on;
there it would stay in the mask for good. A pixel that stands with the background while the thing
moves on by a good part of its own size is not part of it. A planted foot stays behind for a step
only. What stands all at once at the picture's edge is what a thing that has gone left behind.
"""

import numpy as np
import numpy.typing as npt

from clipmill.annotations.objects.propagation.frames import ClipFrames
from clipmill.annotations.objects.propagation.growth import background
from clipmill.vision.dense_flow import lengths, pixel_grid, sample
from clipmill.vision.masks import Mask

_APART = 0.4  # working pixels per frame by which thing and background must differ
_ALIKE = 0.3  # share of that difference within which a pixel goes with either
_FAR = 0.05  # of the square root of the thing's area
_LEAST = 3.0  # working pixels


class Trail:
    """How far a thing has moved on since each pixel of its mask went along."""

    def __init__(self, height: int, width: int) -> None:
        self._behind: npt.NDArray[np.float32] = np.zeros((height, width), np.float32)
        self._way = 0.0

    def advance(
        self, frames: ClipFrames, mask: Mask, here: int, there: int, *, leaving: bool = False
    ) -> Mask:
        """Move on by one frame.

        Args:
            frames: The clip.
            mask: bool [H, W], the thing at frame `here`.
            here: A frame.
            there: A frame beside it.
            leaving: Whether it is at the picture's edge, so that all of it may be gone.

        Returns:
            bool [H, W], what the thing has left behind, at frame `there`.
        """
        self._behind[~mask] = 0
        flow = frames.flow(here, there)
        ground = background(flow, mask)
        if ground is not None and mask.any():
            residual = flow - ground
            own = np.median(residual[mask], axis=0)
            way = float(np.linalg.norm(own))
            if leaving and way < _ALIKE * self._way:
                self._behind[lengths(residual) < _ALIKE * self._way] += self._way
            else:
                self._way = way
                if way > _APART:
                    self._behind[lengths(residual) < _ALIKE * way] += way
                    self._behind[lengths((residual - own).astype(np.float32)) < _ALIKE * way] = 0
        at = pixel_grid(*mask.shape) + frames.flow(there, here)
        self._behind = sample(self._behind, at)
        return self._behind > max(_LEAST, _FAR * float(np.sqrt(mask.sum())))
