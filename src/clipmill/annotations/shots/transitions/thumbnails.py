"""What the detectors keep of a frame: small pictures and where they lie between letterbox bars."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.shots.frames.pictures import letterbox

WIDTH, HEIGHT = 80, 45
"""Pixels of a frame; detail of this size tells pictures apart and survives motion blur."""

CELL = 5
"""Pixels of a cell of the coarse colours."""


@dataclass(frozen=True)
class Thumbnails:
    """T frames, 5 kB each, so that a whole clip can be kept.

    Attributes:
        luma: uint8 [T, 45, 80], 0..255.
        colour: float32 [T, 9, 16, 3]: mean RGB of cells, 0..255. Coarse, so that motion within a
            few frames changes little.
        bars: int [T, 4]: width of the letterbox bars above, below, left and right, in pixels.
    """

    luma: npt.NDArray[np.uint8]
    colour: npt.NDArray[np.float32]
    bars: npt.NDArray[np.int_]

    def __len__(self) -> int:
        return len(self.luma)

    def __getitem__(self, frames: slice) -> "Thumbnails":
        return Thumbnails(self.luma[frames], self.colour[frames], self.bars[frames])


def thumbnails(frames: Iterable[npt.NDArray[np.uint8]]) -> Thumbnails:
    """Reduce frames while they come, so that none is kept.

    Args:
        frames: RGB uint8 [45, 80, 3].
    """
    cells = (WIDTH // CELL, HEIGHT // CELL)
    kept = [
        (
            cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY),
            cv2.resize(frame, cells, interpolation=cv2.INTER_AREA).astype(np.float32),
        )
        for frame in frames
    ]
    luma = np.array([picture for picture, _ in kept], np.uint8).reshape(-1, HEIGHT, WIDTH)
    colour = np.array([grid for _, grid in kept], np.float32).reshape(-1, *cells[::-1], 3)
    bars = np.array([letterbox(picture) for picture in luma], np.int_).reshape(-1, 4)
    return Thumbnails(luma, colour, bars)


def fine_detail(frames: Thumbnails) -> npt.NDArray[np.float32]:
    """Return luma differences to the right and to the lower neighbour, float32 [T, 7075].

    They are 0 along the edges of letterbox bars, which all shots of a film share.
    """
    detail = [_detail(picture, *own) for picture, own in zip(frames.luma, frames.bars, strict=True)]
    size = (HEIGHT - 1) * WIDTH + HEIGHT * (WIDTH - 1)
    return np.array(detail, np.float32).reshape(len(frames), size)


def _detail(
    luma: npt.NDArray[np.uint8], above: int, below: int, left: int, right: int
) -> npt.NDArray[np.float32]:
    picture = luma.astype(np.float32)
    across, down = np.diff(picture, axis=1), np.diff(picture, axis=0)
    # A bar's edge may lie within a pixel, so it takes two steps.
    for steps, first, last in ((down, above, below), (across.T, left, right)):
        if first:
            steps[first - 1 : first + 1] = 0
        if last:
            steps[len(steps) - last - 1 : len(steps) - last + 1] = 0
    return np.concatenate([across.ravel(), down.ravel()])
