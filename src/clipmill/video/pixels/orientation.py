"""Rotation metadata: turning decoded pictures the way players show them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from av.video.frame import VideoFrame


@dataclass(frozen=True, slots=True)
class Orientation:
    """How the decoder's picture becomes the displayed one.

    Attributes:
        degrees: Clockwise turn: 0, 90, 180 or 270; mirroring is none.
        swaps_sides: Whether width and height change places.
        apply: Turns an array [H, W] or [H, W, C]; gives a view.
    """

    degrees: int
    swaps_sides: bool
    apply: Callable[[np.ndarray], np.ndarray]


def _same(image: np.ndarray) -> np.ndarray:
    return image


def _transpose(image: np.ndarray) -> np.ndarray:
    return image.swapaxes(0, 1)


UPRIGHT = Orientation(0, False, _same)


def orientation_of(frame: VideoFrame) -> Orientation:
    """Return the orientation that a frame's display matrix asks for.

    Follows ffmpeg's `-autorotate`: quarter turns, and mirror images as they occur with them.
    Turns by other angles are ignored. Ask once per file, not per frame: looking at a frame's side
    data ties it into a reference cycle, so that its memory waits for the garbage collector.
    """
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return UPRIGHT
    # Rows of the 3x3 matrix (a b u; c d v; x y w); a player maps (x, y) to (ax + cy, bx + dy).
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    if a == 0 and d == 0 and b and c:
        if b > 0:
            return (
                Orientation(90, True, _transpose)
                if c > 0
                else Orientation(90, True, lambda image: np.rot90(image, -1))
            )
        return (
            Orientation(270, True, lambda image: np.rot90(image, 1))
            if c > 0
            else Orientation(270, True, lambda image: np.rot90(image, 2).swapaxes(0, 1))
        )
    if b == 0 and c == 0 and a and d:
        flips = (slice(None, None, -1 if d < 0 else 1), slice(None, None, -1 if a < 0 else 1))
        if (a < 0) or (d < 0):
            # Both flips are half a turn; one alone mirrors.
            return Orientation(180 if a < 0 and d < 0 else 0, False, lambda image: image[flips])
    return UPRIGHT
