"""Boxes of an object's masks over time: the second witness beside its points."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco

from clipmill.annotations.inout.schema import ObjectInOut
from clipmill.samples.captions.course import Course, course_of
from clipmill.samples.schema import SampleRow
from clipmill.store.codecs import mask_to_coco

Floats = npt.NDArray[np.floating[Any]]

SIDES = ("left", "top", "right", "bottom")
"""Borders of the frame in the order of x0, y0, x1, y1."""

_RECENT = 24  # frames
_GOING = 0.7  # share of the size that a thing had lately, below which it is partly out

TOUCHES = 0.012
"""Share of a frame's side within which a box touches a border."""


def boxes_over_time(found: ObjectInOut | None, sample: SampleRow) -> Floats | None:
    """Return the boxes of an object in the frames of a sample.

    Returns:
        float64 [T, 4], x0, y0, x1, y1 as shares of width and height, NaN where its mask is empty
        or was not carried; None where no mask was.
    """
    if found is None or not found.masks:
        return None
    boxes = np.full((sample.num_frames, 4), np.nan)
    for number, blob in enumerate(found.masks):
        t = found.first_frame + number - sample.anchor
        if not 0 <= t < sample.num_frames:
            continue
        mask = mask_to_coco(blob)
        x, y, width, height = coco.toBbox(mask)
        if width and height:
            rows, columns = mask["size"]
            boxes[t] = x / columns, y / rows, (x + width) / columns, (y + height) / rows
    return boxes


def touched(box: Floats) -> tuple[str, ...]:
    """Return the borders of the frame that a box touches; box as shares of the frame."""
    return tuple(side for side, gap in zip(SIDES, _gaps(box), strict=True) if gap <= TOUCHES)


def at_border(boxes: Floats) -> npt.NDArray[np.bool_]:
    """Return which boxes [T, 4] touch a border, bool [T]; False where there is none."""
    return np.asarray((_gaps(boxes) <= TOUCHES).any(axis=1))


def _gaps(boxes: Floats) -> Floats:
    """Return how far boxes [..., 4] are from each border, as shares of the frame."""
    return np.asarray(boxes * (1, 1, -1, -1) + (0, 0, 1, 1))


def first_way_out(boxes: Floats, *, least: int) -> int | None:
    """Return the first frame of a gap that an object went into, and came out of, at a border.

    What is lost at its full size was not on its way out, whatever border it touches.

    Args:
        boxes: [T, 4] as shares of the frame, NaN where there is none.
        least: Frames that a gap must last.
    """
    seen = np.flatnonzero(np.isfinite(boxes[:, 0]))
    edge = at_border(boxes)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    for before, after in pairwise(map(int, seen)):
        if after - before > least and edge[before] and edge[after]:
            recent = np.nanmax(areas[max(0, before - _RECENT) : before + 1])
            if areas[before] <= _GOING * recent:
                return before + 1
    return None


def growth_of(boxes: Floats) -> Course:
    """Follow log(size) of boxes, the change of the side that changes less.

    Boxes at a border do not count: there the frame cuts the object.

    Args:
        boxes: [T, 4] as shares of the frame, NaN where there is none.
    """
    whole = np.isfinite(boxes[:, 0]) & ~at_border(boxes)
    sides = np.log(np.maximum(boxes[whole, 2:] - boxes[whole, :2], 1e-6))
    if not len(sides):
        return course_of(np.zeros(0))
    change = sides - sides[0]
    same = np.sign(change[:, 0]) == np.sign(change[:, 1])
    return course_of(np.where(same, np.sign(change[:, 0]) * np.abs(change).min(axis=1), 0.0))
