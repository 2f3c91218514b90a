"""What is kept of a thing at a frame; a clip has hundreds of them, so they are kept small."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.vision.masks import Mask, SoftMask

Levels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sight:
    """A thing at a frame.

    Attributes:
        crop: uint8 [h, w], 255 where it surely is; all of it that is above 0.
        corner: Column and row of the crop's first pixel.
        size: Width and height of the frame, working pixels.
        confidence: [0, 1].
    """

    crop: Levels
    corner: tuple[int, int]
    size: tuple[int, int]
    confidence: float

    @classmethod
    def of(cls, soft: SoftMask, confidence: float) -> "Sight":
        """Keep a soft mask float32 [H, W] in [0, 1]."""
        levels = np.rint(soft * 255).astype(np.uint8)
        x, y, width, height = cv2.boundingRect(levels)
        crop = levels[y : y + height, x : x + width].copy()
        return cls(crop, (x, y), (levels.shape[1], levels.shape[0]), confidence)

    @property
    def levels(self) -> Levels:
        """The mask of the whole frame, uint8 [H, W]."""
        (x, y), (height, width) = self.corner, self.crop.shape
        levels = np.zeros(self.size[::-1], np.uint8)
        levels[y : y + height, x : x + width] = self.crop
        return levels

    @property
    def soft(self) -> SoftMask:
        """The mask, float32 [H, W] in [0, 1]."""
        return np.asarray(self.levels, np.float32) / np.float32(255)

    @property
    def mask(self) -> Mask:
        """Where the thing is, bool [H, W]."""
        return self.levels > 127
