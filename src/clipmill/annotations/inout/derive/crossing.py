"""How long a thing at the picture's border still takes to be over it.

The last sliver of a thing is hardly ever seen as the thing: its mask ends some frames before it has
left, and begins some frames after it has come in. So the edge that is furthest from the border is
taken to go on at the speed it had.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.vision.masks import Mask

_FRAMES = 6  # over which the speed is measured
_SLOWEST = 0.5  # working pixels per frame
_MOST = 3  # frames; further off, speed tells little
_RECENT, _GOING = 24, 0.7  # frames, and share of the size in them below which it is partly out
_NEAR = 0.02  # share of the longer side within which a mask is at the border
_UNTIL = 12  # frames before the last mask: a point seen in them was there to the end
_BEHIND = 0.25  # of the longer side of a thing: further behind its last mask, a point stayed
_STAYED = 1 / 3  # share of the points that stay behind, from which the thing has not left


def frames_to_border(masks: Sequence[Mask]) -> int:
    """Return in how many frames after the last mask a thing is over the border it is at.

    Args:
        masks: bool [H, W], towards the border (backwards in time for an entry), none empty.

    Returns:
        0 where it is at no border, hardly moves, or is as good as gone; at most 3.
    """
    recent = list(masks)[-_FRAMES:]
    if len(recent) < 2:
        return 0
    rest = np.array([_depths(mask) for mask in recent], float)
    speed = -np.median(np.diff(rest, axis=0), axis=0)
    leaving = _touches(recent[-1]) & (speed >= _SLOWEST)
    if not leaving.any():
        return 0
    return int(min(_MOST, np.floor((rest[-1][leaving] / speed[leaving]).min())))


def is_going(masks: Sequence[Mask]) -> bool:
    """Whether a thing is on its way over the border: it is at one, and less of it is seen.

    A large thing that touches the border for good and is lost at its full size has not left.

    Args:
        masks: As for `frames_to_border`.
    """
    sizes = [int(mask.sum()) for mask in list(masks)[-_RECENT:]]
    return bool(sizes) and bool(_touches(masks[-1]).any()) and sizes[-1] <= _GOING * max(sizes)


def points_stay(
    points: npt.NDArray[np.floating[Any]],
    visible: npt.NDArray[np.bool_],
    box: npt.NDArray[np.floating[Any]],
    *,
    size: tuple[float, float],
    longer: float,
) -> bool:
    """Whether a thing stays in the picture although its mask goes over the border.

    A hand that puts a thing down was one mask with it: the mask leaves with the hand, and the
    points stay on the thing.

    Args:
        points: [T, N, 2], x, y, up to the last frame that has a mask.
        visible: bool [T, N].
        box: x0, y0, x1, y1 of the last mask.
        size: Width and height of the picture, in the unit of the points.
        longer: Longer side of the thing, the same.
    """
    seen = visible[-_UNTIL:]
    told = seen.any(axis=0)
    if not told.any():
        return False
    last = len(visible) - 1 - seen[::-1].argmax(axis=0)
    # Beyond the border no mask can be.
    at = np.clip(points[last, np.arange(points.shape[1])][told], 0, size)
    width, height = size
    near = _NEAR * max(size)
    x0, y0, x1, y1 = map(float, box)
    gaps = x0, y0, width - x1, height - y1
    behind = at[:, 0] - x1, at[:, 1] - y1, x0 - at[:, 0], y0 - at[:, 1]
    sides = [far for gap, far in zip(gaps, behind, strict=True) if gap <= near]
    stayed = [float((far > _BEHIND * longer).mean()) for far in sides]
    return max(stayed, default=0.0) >= _STAYED


def _depths(mask: Mask) -> tuple[int, int, int, int]:
    """Return how far a mask reaches in from the left, top, right and bottom border, pixels."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        int(columns[-1]) + 1,
        int(rows[-1]) + 1,
        width - int(columns[0]),
        height - int(rows[0]),
    )


def _touches(mask: Mask) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return whether a mask is at the left, top, right and bottom border, bool [4]."""
    near = max(2, round(_NEAR * max(mask.shape)))
    edges = mask[:, :near], mask[:near], mask[:, -near:], mask[-near:]
    return np.array([edge.any() for edge in edges])
