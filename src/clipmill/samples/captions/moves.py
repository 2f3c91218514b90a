"""What an object of a sample does, measured from its tracks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.annotations.tracks.motion import BackgroundMotion
from clipmill.samples.captions.course import Course, course_of, smoothed
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.store.codecs import decode_bits, decode_tracks

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]

_SMOOTHING = 0.2
"""Seconds over which places are averaged, so that jitter is not motion."""

_MOST_POINTS = 24
"""Points looked at; pairs of them are compared in every frame."""

_FEWEST = 3
"""Visible points by which an object is placed."""

_FEWEST_SHARE = 0.25
"""Least share of its points by which an object is placed."""


@dataclass(frozen=True)
class Placed:
    """Where an object is in each of T frames from the anchor on; NaN where it is not seen.

    Attributes:
        centre: float64 [T, 2], x, y in source pixels.
        scale: float64 [T]: size over that at the anchor.
        stir: Mean speed of its points against the object as a whole, in object sizes (root of
            its area) per second: how much it bends and turns.
    """

    centre: Floats
    scale: Floats
    stir: float

    @property
    def seen(self) -> Flags:
        """Whether it is seen, bool [T]."""
        return np.isfinite(self.scale)


@dataclass(frozen=True)
class ObjectMoves:
    """What is told of an object.

    Lengths of courses are in the picture's longer side, x right, y down.

    Attributes:
        class_name: As in the sample.
        area: Share of the frame at the anchor, [0, 1].
        span: Share of the frame's width and height that its box takes at the anchor.
        start: x, y of its centre at the anchor, as shares of width and height.
        end: The same where it was last seen.
        seen: Share of the frames between anchor and exit in which it was seen, [0, 1].
        x: Course in the picture.
        y: Course in the picture.
        own_x: Course against the background; None where the camera's part is not known.
        own_y: The same.
        growth: Course of log(size).
        speed: 25th, 50th and 75th percentile of its speed, longer sides per second: against the
            background, or in the picture of a still camera; None where neither is known.
        stir: See `Placed`.
        edges: Borders of the frame that its box touches at the anchor: `left`, `right`, ...
        exit_at: When it leaves, as a share of the sample's frames; None when it does not.
        exit_side: Border through which it leaves; empty when that is not clear.
        returns: Whether it is seen again after that.
    """

    class_name: str
    area: float
    span: tuple[float, float]
    start: tuple[float, float]
    end: tuple[float, float]
    seen: float
    x: Course
    y: Course
    own_x: Course | None
    own_y: Course | None
    growth: Course
    speed: tuple[float, float, float] | None
    stir: float
    edges: tuple[str, ...]
    exit_at: float | None
    exit_side: str
    returns: bool


def measure(
    entry: SampleObject,
    sample: SampleRow,
    *,
    background: BackgroundMotion | None,
    still: bool,
) -> ObjectMoves:
    """Measure what an object does over the frames of a sample.

    Args:
        entry: The object.
        sample: The sample that it belongs to.
        background: How the background moves; None where that is not known, or where no plane
            can stand for the background (a travelling camera).
        still: Whether the camera stands still.
    """
    placed = place(entry, sample)
    width, height = sample.width, sample.height
    unit = max(width, height)
    window = max(1, round(_SMOOTHING * sample.fps))
    leaves = _exit(entry, sample)
    before = placed.seen.copy()
    before[leaves:] = False
    path = smoothed(np.where(before[:, None], placed.centre, np.nan), window) / unit
    own = path if still else None
    if background is not None and not still:
        own = smoothed(_against(placed.centre, before, background, sample), window) / unit
    ends = path[before] * unit / (width, height)
    x0, y0, x1, y1 = entry.box
    start = (x0 + x1) / 2 / width, (y0 + y1) / 2 / height
    return ObjectMoves(
        class_name=entry.class_name,
        area=entry.area,
        span=((x1 - x0) / width, (y1 - y0) / height),
        start=start,
        end=(float(ends[-1, 0]), float(ends[-1, 1])) if len(ends) else start,
        seen=float(before[:leaves].mean()) if leaves else 0.0,
        x=course_of(path[:, 0]),
        y=course_of(path[:, 1]),
        own_x=None if own is None else course_of(own[:, 0]),
        own_y=None if own is None else course_of(own[:, 1]),
        growth=course_of(np.log(smoothed(np.where(before, placed.scale, np.nan), window))),
        speed=None if own is None else _speed(own, sample.fps),
        stir=placed.stir,
        edges=_edges(entry, sample),
        exit_at=leaves / sample.num_frames if leaves < sample.num_frames else None,
        exit_side=_side(placed, entry, sample, leaves),
        returns=bool(placed.seen[leaves:].sum() >= max(3, 0.2 * sample.fps)),
    )


def place(entry: SampleObject, sample: SampleRow) -> Placed:
    """Place an object in every frame of a sample by its visible points.

    Scale is the median over pairs of points of their distance against that at the anchor, the
    centre the median over points of where they put it (as Theil and Sen fit lines): a few points
    that go astray, or limbs that swing, do not move it.
    """
    points, visible = _few(entry)
    length = min(len(points), sample.num_frames)
    centre = np.full((sample.num_frames, 2), np.nan)
    scale = np.full(sample.num_frames, np.nan)
    x0, y0, x1, y1 = entry.box
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    size = float(np.sqrt(max(entry.area, 1e-6) * sample.width * sample.height))
    rest = points[0] - middle if length else np.zeros((0, 2))
    first, second = np.triu_indices(len(rest), 1)
    apart = np.linalg.norm(rest[first] - rest[second], axis=1)
    wide = apart > 0.15 * size
    first, second, apart = first[wide], second[wide], apart[wide]
    least = max(_FEWEST, _FEWEST_SHARE * len(rest))
    off = np.full((sample.num_frames, len(rest), 2), np.nan)
    for t in range(length):
        here = visible[t]
        if here.sum() < least:
            continue
        pairs = here[first] & here[second]
        now = np.linalg.norm(points[t, first] - points[t, second], axis=1)
        scale[t] = np.median(now[pairs] / apart[pairs]) if pairs.any() else 1.0
        moved = points[t] - max(scale[t], 1e-3) * rest
        centre[t] = np.median(moved[here], axis=0)
        off[t, here] = (moved - centre[t])[here]
    return Placed(centre, np.maximum(scale, 1e-3), _stir(off, size, sample.fps))


def _few(entry: SampleObject) -> tuple[Floats, Flags]:
    points, visible = decode_tracks(entry.points).astype(np.float64), decode_bits(entry.visibility)
    count = points.shape[1]
    chosen = np.unique(np.linspace(0, count - 1, min(count, _MOST_POINTS)).astype(int))
    return points[:, chosen], visible[:, chosen]


def _stir(off: Floats, size: float, fps: float) -> float:
    """Return the mean speed of points against their object, object sizes per second."""
    steps = np.diff(smoothed(off, max(1, round(_SMOOTHING * fps))), axis=0)
    lengths = np.linalg.norm(steps, axis=2)
    known = np.isfinite(lengths)
    return float(lengths[known].mean() * fps / size) if known.any() else 0.0


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


def _speed(path: Floats, fps: float) -> tuple[float, float, float] | None:
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    steps = steps[np.isfinite(steps)]
    if not len(steps):
        return None
    low, middle, high = np.percentile(steps * fps, (25, 50, 75))
    return float(low), float(middle), float(high)


def _edges(entry: SampleObject, sample: SampleRow) -> tuple[str, ...]:
    gaps = _gaps(entry.box, sample)
    return tuple(side for side, gap in gaps.items() if gap <= 0.01)


def _gaps(box: tuple[float, ...], sample: SampleRow) -> dict[str, float]:
    """Return how far a box is from each border, as a share of the frame's side."""
    x0, y0, x1, y1 = box
    width, height = sample.width, sample.height
    return {
        "left": x0 / width,
        "right": 1 - x1 / width,
        "top": y0 / height,
        "bottom": 1 - y1 / height,
    }


def _exit(entry: SampleObject, sample: SampleRow) -> int:
    """Return the first frame of the sample without the object, else the number of frames."""
    if entry.exit_frame is None:
        return sample.num_frames
    return min(max(entry.exit_frame - sample.anchor, 0), sample.num_frames)


_WAYS = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}
_LONG_AGO = 0.5  # seconds; where an object was before that says nothing of where it left


def _side(placed: Placed, entry: SampleObject, sample: SampleRow, leaves: int) -> str:
    """Return the border that the object was at, and moved to, when it was last seen."""
    seen = np.flatnonzero(placed.seen[:leaves])
    if leaves >= sample.num_frames or len(seen) < 2:
        return ""
    last = int(seen[-1])
    if leaves - last > _LONG_AGO * sample.fps:
        return ""
    earlier = int(seen[max(0, len(seen) - 1 - round(_LONG_AGO * sample.fps))])
    way = placed.centre[last] - placed.centre[earlier]
    x0, y0, x1, y1 = entry.box
    half = placed.scale[last] * np.array([x1 - x0, y1 - y0]) / 2
    middle = placed.centre[last]
    gaps = _gaps((*(middle - half), *(middle + half)), sample)
    speeds = {side: float(np.dot(way, step)) for side, step in _WAYS.items() if gaps[side] < 0.05}
    best = max(speeds, key=lambda side: speeds[side], default="")
    # Out through this border, not along it.
    return best if best and speeds[best] > 0.7 * float(np.linalg.norm(way)) else ""
