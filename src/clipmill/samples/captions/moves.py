"""What an object of a sample does, measured from its points and its masks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.annotations.inout.derive.crossing import points_stay
from clipmill.annotations.tracks.motion import BackgroundMotion
from clipmill.samples.captions.course import Course, course_of, smoothed
from clipmill.samples.captions.outline import at_border, first_way_out, growth_of, touched
from clipmill.samples.captions.placing import SMOOTHING, Flags, Placed, place_object
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.store.codecs import decode_bits, decode_tracks

Floats = npt.NDArray[np.floating[Any]]

_AGREE = 0.5
"""Share of the way that points tell of, which boxes must tell of too."""

_UNCUT = 0.3
"""Least share of the boxes that are away from the borders for them to be compared alone."""

_NEXT = 0.1
"""Reach, longer sides of the picture, below which nothing goes anywhere."""

_GROW = 0.25
"""Share of the growth of boxes that points must tell of: points of bending things spread less."""

_BACK = 0.25
"""Seconds in which an object must be seen again to have come back."""


@dataclass(frozen=True)
class ObjectMoves:
    """What is told of an object.

    Lengths of courses are in the picture's longer side, x right, y down.

    Attributes:
        class_name: As in the sample.
        area: Share of the frame at the anchor, [0, 1].
        extent: Smallest and largest share of the frame that its box takes; at the anchor alone
            where there are no masks.
        span: Share of the frame's width and height that its box takes at the anchor.
        start: x, y of its centre at the anchor, as shares of width and height.
        end: The same where it was last seen.
        seen: Share of the frames between anchor and exit in which it was seen, [0, 1].
        sure: Whether masks, where there are some, tell of the same way in the picture as points.
        x: Course in the picture.
        y: Course in the picture.
        own_x: Course against the background; None where the camera's part is not known.
        own_y: The same.
        growth: Course of log(size); None where only points know of it, or masks and points
            disagree.
        speed: 50th and 75th percentile of its speed, longer sides per second: against the
            background, or in the picture of a still camera; None where neither is known.
        stir: See `Placed`.
        exit_at: When it leaves, as a share of the sample's frames; None when it does not.
        exit_side: Border through which it leaves; empty when that is not clear.
        returns: Whether it is seen again after that.
    """

    class_name: str
    area: float
    extent: tuple[float, float]
    span: tuple[float, float]
    start: tuple[float, float]
    end: tuple[float, float]
    seen: float
    sure: bool
    x: Course
    y: Course
    own_x: Course | None
    own_y: Course | None
    growth: Course | None
    speed: tuple[float, float] | None
    stir: float
    exit_at: float | None
    exit_side: str
    returns: bool


def measure_moves(
    entry: SampleObject,
    sample: SampleRow,
    *,
    boxes: Floats | None,
    background: BackgroundMotion | None,
    still: bool,
) -> ObjectMoves:
    """Measure what an object does over the frames of a sample.

    Args:
        entry: The object.
        sample: The sample that it belongs to.
        boxes: See `boxes_over_time`.
        background: How the background moves; None where that is not known, or where no plane
            can stand for the background (a travelling camera).
        still: Whether the camera stands still.
    """
    placed = place_object(entry, sample)
    size = np.array([sample.width, sample.height], float)
    window = round(SMOOTHING * sample.fps)
    leaves = _exit(entry, sample, boxes)
    before = placed.seen & (np.arange(sample.num_frames) < leaves)
    path = smoothed(np.where(before[:, None], placed.centre, np.nan), window) / size.max()
    own = path if still else None
    if background is not None and not still:
        own = smoothed(_against(placed.centre, before, background, sample), window) / size.max()
    box = np.array(entry.box, float).reshape(2, 2) / size
    ends = path[before] * size.max() / size
    start = _pair(box.mean(axis=0))
    x, y = course_of(path[:, 0]), course_of(path[:, 1])
    sure, boxes = True, None if boxes is None else boxes[:leaves]
    if boxes is not None:
        scaled = boxes * np.tile(size, 2) / size.max()
        sure = _agree(path[:leaves], scaled, at_border(boxes))
    return ObjectMoves(
        class_name=entry.class_name,
        area=entry.area,
        extent=_extent(boxes, box),
        span=_pair(box[1] - box[0]),
        start=start,
        end=_pair(ends[-1]) if len(ends) else start,
        seen=float(before[:leaves].mean()) if leaves else 0.0,
        sure=sure,
        x=x,
        y=y,
        own_x=None if own is None else course_of(own[:, 0]),
        own_y=None if own is None else course_of(own[:, 1]),
        growth=None if boxes is None else _growth(placed, boxes),
        speed=None if own is None else _speed(own, sample.fps),
        stir=placed.stir,
        exit_at=leaves / sample.num_frames if leaves < sample.num_frames else None,
        exit_side=_side(boxes) if boxes is not None and leaves < sample.num_frames else "",
        returns=bool(placed.seen[leaves:].sum() >= max(3, _BACK * sample.fps)),
    )


def _pair(values: Floats) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _extent(boxes: Floats | None, box: Floats) -> tuple[float, float]:
    sides = (box[1] - box[0])[None] if boxes is None else boxes[:, 2:] - boxes[:, :2]
    areas = sides.prod(axis=1)
    areas = areas[np.isfinite(areas)]
    return (float(areas.min()), float(areas.max())) if len(areas) else (0.0, 1.0)


def _against(
    centre: Floats, seen: Flags, background: BackgroundMotion, sample: SampleRow
) -> Floats:
    """Return the path without the camera's part, pixels, from 0 on; NaN where not seen."""
    path = np.full_like(centre, np.nan)
    at: Floats = np.zeros(2)
    for t in map(int, np.flatnonzero(seen)):
        if t and seen[t - 1]:
            shift = background.shift(centre[t - 1 : t], sample.anchor + t - 1)[0]
            at = np.asarray(at + centre[t] - centre[t - 1] - shift)
        path[t] = at
    return path


def _speed(path: Floats, fps: float) -> tuple[float, float] | None:
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    steps = steps[np.isfinite(steps)]
    return _pair(np.percentile(steps * fps, (50, 75))) if len(steps) else None


def _agree(path: Floats, boxes: Floats, cut: Flags) -> bool:
    """Whether the middles of boxes go the way that the points tell of, where both are known.

    Args:
        path: [T, 2], longer sides of the picture.
        boxes: [T, 4], the same.
        cut: [T]: boxes that touch a border of the frame.
    """
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    both = np.isfinite(path[:, 0]) & np.isfinite(middles[:, 0])
    # Where the frame cuts an object, the middle of what is left goes half as far.
    uncut = both & ~cut
    both = uncut if uncut.sum() >= _UNCUT * both.sum() else both
    if both.sum() < 2:
        return False
    if max(np.ptp(path[both], axis=0).max(), np.ptp(middles[both], axis=0).max()) < _NEXT:
        return True
    spread = path[both] - path[both].mean(axis=0)
    other = middles[both] - middles[both].mean(axis=0)
    axis = int(np.ptp(spread, axis=0).argmax())
    # Slope of boxes over points: 1 where they move as one, 0 where boxes know nothing of it.
    slope = float((spread[:, axis] * other[:, axis]).sum())
    return slope >= _AGREE * max(float((spread[:, axis] ** 2).sum()), 1e-12)


def _growth(placed: Placed, boxes: Floats) -> Course | None:
    """Return how boxes grow, where points say so too."""
    course = growth_of(boxes)
    points = course_of(np.log(np.maximum(placed.scale[: len(boxes)], 1e-3)))
    return course if points.way * course.way >= _GROW * course.way**2 else None


def _exit(entry: SampleObject, sample: SampleRow, boxes: Floats | None) -> int:
    """Return the first frame in which the object has left, else the number of frames."""
    leaves = sample.num_frames
    if entry.exit_frame is not None:
        leaves = min(max(entry.exit_frame - sample.anchor, 0), sample.num_frames)
    gap = None if boxes is None else first_way_out(boxes, least=max(3, round(_BACK * sample.fps)))
    leaves = leaves if gap is None else min(leaves, gap)
    return sample.num_frames if _stays(entry, sample, boxes, leaves) else leaves


def _stays(entry: SampleObject, sample: SampleRow, boxes: Floats | None, leaves: int) -> bool:
    """Whether the points of an object stay where its mask goes on over the border."""
    known = [] if boxes is None else np.flatnonzero(np.isfinite(boxes[:leaves, 0])).tolist()
    if boxes is None or leaves >= sample.num_frames or not known:
        return False
    size = (sample.width, sample.height)
    return points_stay(
        decode_tracks(entry.points)[: known[-1] + 1],
        decode_bits(entry.visibility)[: known[-1] + 1],
        boxes[known[-1]] * np.tile(size, 2),
        size=size,
        longer=max(entry.box[2] - entry.box[0], entry.box[3] - entry.box[1], 1.0),
    )


def _side(boxes: Floats) -> str:
    """Return the one border that the last box touches."""
    known = np.flatnonzero(np.isfinite(boxes[:, 0]))
    sides = touched(boxes[known[-1]]) if len(known) else ()
    return sides[0] if len(sides) == 1 else ""
