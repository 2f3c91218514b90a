"""Point tracks as pictures: a soft dot per visible point, one colour per object."""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

_GOLDEN = 0.618033988749895
_SHIFT = 4  # cv2.circle takes coordinates in 1/16 pixel


@dataclass(frozen=True)
class DotStyle:
    """How points are drawn.

    Attributes:
        radius: Of a dot, as a share of the picture's height; at least one pixel.
        blur: Standard deviation of the Gaussian blur over the dot, in radii; 0 for none.
        background: Grey level where nothing is drawn, [-1, 1]; 1 is white.
    """

    radius: float = 0.014
    blur: float = 0.5
    background: float = 1.0


def object_colours(count: int) -> npt.NDArray[np.float32]:
    """Return the colours of objects 0, 1, ...: float32 [count, 3], RGB in [-1, 1].

    The colour of object k does not depend on how many there are. Hues step by the golden ratio,
    so neighbours in the list are far apart; brightness changes from turn to turn.
    """
    colours = [
        colorsys.hsv_to_rgb((number * _GOLDEN) % 1, 1.0, (1.0, 0.7, 0.45)[number // 5 % 3])
        for number in range(count)
    ]
    return np.array(colours, np.float32).reshape(count, 3) * 2 - 1


def object_rgb(count: int) -> list[tuple[int, int, int]]:
    """Return the same colours as RGB from 0 to 255."""
    levels = np.rint((object_colours(count) + 1) * 127.5).astype(int).tolist()
    return [(red, green, blue) for red, green, blue in levels]


def draw_tracks(
    out: npt.NDArray[np.float32],
    tracks: Sequence[npt.NDArray[np.float32]],
    visibility: Sequence[npt.NDArray[np.bool_]],
    *,
    style: DotStyle,
) -> None:
    """Draw the points of objects over a clip.

    Dots are united and blurred per object; later objects cover earlier ones. Hidden points and
    points outside the picture are not drawn.

    Args:
        out: float32 [T, 3, H, W], RGB in [-1, 1]; overwritten.
        tracks: One float [T, N, 2] per object: x, y in pixels of `out`, pixel centres at whole
            numbers.
        visibility: One bool [T, N] per object.
        style: Size and blur.
    """
    out[:] = style.background
    radius = max(1.0, style.radius * out.shape[2])
    for points, seen, colour in zip(tracks, visibility, object_colours(len(tracks)), strict=True):
        for frame, now, drawn in zip(out, points, seen, strict=True):
            inside = (now >= -0.5).all(axis=1) & (now < np.array(frame.shape[:0:-1]) - 0.5).all(
                axis=1
            )
            if (drawn & inside).any():
                _draw(frame, now[drawn & inside], colour, radius=radius, blur=style.blur)


def _draw(
    frame: npt.NDArray[np.float32],
    points: npt.NDArray[np.float32],
    colour: npt.NDArray[np.float32],
    *,
    radius: float,
    blur: float,
) -> None:
    """Blend the dots of one object into one frame, touching only the pixels around them."""
    margin = int(np.ceil(radius * (1 + 3 * blur))) + 2
    height, width = frame.shape[1:]
    x0, y0 = np.maximum(np.floor(points.min(axis=0)).astype(int) - margin, 0)
    x1, y1 = np.minimum(np.ceil(points.max(axis=0)).astype(int) + margin + 1, [width, height])
    # Blurred with room around it, else the picture's border would bend the dots.
    dots = np.zeros((y1 - y0 + 2 * margin, x1 - x0 + 2 * margin), np.uint8)
    shifted = np.rint((points - [x0, y0] + margin) * 2**_SHIFT).astype(int)
    for x, y in shifted.tolist():
        cv2.circle(dots, (x, y), round(radius * 2**_SHIFT), 255, -1, cv2.LINE_AA, _SHIFT)
    if blur > 0:
        dots = cv2.GaussianBlur(dots, (0, 0), radius * blur)
    weight = dots[margin : margin + y1 - y0, margin : margin + x1 - x0].astype(np.float32) / 255
    patch = frame[:, y0:y1, x0:x1]
    patch += weight * (colour[:, None, None] - patch)
