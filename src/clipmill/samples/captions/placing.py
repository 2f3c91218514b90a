"""Where an object is in every frame, from its points."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.samples.captions.course import smoothed
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.store.codecs import decode_bits, decode_tracks

Floats = npt.NDArray[np.floating[Any]]
Flags = npt.NDArray[np.bool_]

SMOOTHING = 0.2
"""Seconds over which places are averaged, so that jitter is not motion."""

_MOST_POINTS = 24
"""Points looked at; pairs of them are compared in every frame."""

_FEWEST, _FEWEST_SHARE = 3, 0.25
"""Visible points, and share of all points, by which an object is placed."""

_APART = 0.15
"""Points nearer to each other than this, in object sizes, say nothing of the scale."""


_SCATTER = 0.4
"""Median distance of points from where the object as a whole puts them, in object sizes, beyond
which they do not follow one object."""

_JUMP, _SWELL = 0.1, 1.5
"""Way in longer sides of the picture, and change of scale, from one sight of an object to the
next, that no object makes: its points were found again on something else."""


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


def place_object(entry: SampleObject, sample: SampleRow) -> Placed:
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
    size = float(np.sqrt(max(entry.area, 1e-6) * sample.width * sample.height))
    rest = points[0] - ((x0 + x1) / 2, (y0 + y1) / 2) if length else np.zeros((0, 2))
    first, second = np.triu_indices(len(rest), 1)
    apart = np.linalg.norm(rest[first] - rest[second], axis=1)
    wide = apart > _APART * size
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
        moved = points[t] - scale[t] * rest
        centre[t] = np.median(moved[here], axis=0)
        off[t, here] = (moved - centre[t])[here]
        if np.median(np.linalg.norm(off[t, here], axis=1)) > _SCATTER * size * scale[t]:
            scale[t] = np.nan
    lost = ~_unbroken(centre / max(sample.width, sample.height), scale)
    centre[lost], scale[lost], off[lost] = np.nan, np.nan, np.nan
    return Placed(centre, scale, _stir(off, size, sample.fps))


def _unbroken(centre: Floats, scale: Floats) -> Flags:
    """Return the frames that follow from those before them without a jump, bool [T].

    Args:
        centre: [T, 2], longer sides of the picture.
        scale: [T], NaN where the object was not placed.
    """
    good = np.zeros(len(scale), bool)
    last: int | None = None
    for t in map(int, np.flatnonzero(np.isfinite(scale))):
        if last is not None:
            swell = scale[t] / scale[last]
            if np.linalg.norm(centre[t] - centre[last]) > _JUMP or not 1 / _SWELL < swell < _SWELL:
                continue
        good[t] = True
        last = t
    return good


def _few(entry: SampleObject) -> tuple[Floats, Flags]:
    points, visible = decode_tracks(entry.points).astype(np.float64), decode_bits(entry.visibility)
    count = points.shape[1]
    chosen = np.unique(np.linspace(0, count - 1, min(count, _MOST_POINTS)).astype(int))
    return points[:, chosen], visible[:, chosen]


def _stir(off: Floats, size: float, fps: float) -> float:
    """Return the mean speed of points against their object, object sizes per second."""
    steps = np.diff(smoothed(off, round(SMOOTHING * fps)), axis=0)
    lengths = np.linalg.norm(steps, axis=2)
    known = np.isfinite(lengths)
    return float(lengths[known].mean() * fps / size) if known.any() else 0.0
