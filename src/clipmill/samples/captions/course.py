"""What a value does over time: it stays, goes one way, or turns round."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

_TURN = 0.2
"""Way back, as a share of the whole reach, that counts as a turn and not as a wobble."""

_STEADY = 0.8
"""A course that goes one way ends at least this share of its reach from where it began."""

_LONG = 0.35
"""A leg of at least this share of the reach is more than a wobble that lasts."""


@dataclass(frozen=True)
class Course:
    """A value over time, as legs that alternate in direction.

    Attributes:
        start: Value at the beginning.
        end: Value at the end.
        reach: Largest minus smallest value.
        legs: Signed ways between turning points, in order; none where nothing was measured.
    """

    start: float
    end: float
    reach: float
    legs: tuple[float, ...]

    @property
    def way(self) -> float:
        """End minus start."""
        return self.end - self.start

    @property
    def is_one_way(self) -> bool:
        """Whether it goes in one direction and stays there."""
        back = any(leg * self.way < 0 and self._is_long(leg) for leg in self.legs)
        steady = abs(self.way) >= _STEADY * self.reach and not back
        return self.reach > 0 and (len(self.legs) == 1 or (len(self.legs) > 2 and steady))

    @property
    def turn(self) -> tuple[float, float] | None:
        """The ways before and after the turn, where it turns round once; None where it does not.

        Wobbles before, between and after do not count.
        """
        legs = self.legs if len(self.legs) == 2 else tuple(filter(self._is_long, self.legs))
        if self.is_one_way or len(legs) != 2 or legs[0] * legs[1] > 0:
            return None
        return legs[0], legs[1]

    @property
    def is_to_and_fro(self) -> bool:
        """Whether it turns round more often, by about the same way each time."""
        return sum(map(self._is_long, self.legs)) >= 3

    def _is_long(self, leg: float) -> bool:
        return abs(leg) >= _LONG * self.reach


def course_of(values: Floats) -> Course:
    """Follow a value.

    Args:
        values: float [T], NaN where it was not measured; gaps are passed over. Smoothed before,
            or noise becomes reach.

    Returns:
        The course; all zeros without a measured value.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return Course(0.0, 0.0, 0.0, ())
    reach = float(known.max() - known.min())
    return Course(float(known[0]), float(known[-1]), reach, _legs(known, _TURN * reach))


def _legs(values: Floats, least: float) -> tuple[float, ...]:
    """Return the ways between extremes that lie at least `least` apart."""
    turns = [float(values[0])]
    low = high = top = float(values[0])
    direction = 0
    for value in map(float, values):
        if direction == 0:
            low, high = min(low, value), max(high, value)
            if high - low >= least and high > low:
                direction = 1 if value == high else -1
                turns, top = [low if direction > 0 else high], value
        elif direction * (value - top) >= 0:
            top = value
        elif direction * (top - value) >= least:
            turns.append(top)
            direction, top = -direction, value
    if direction == 0:
        return ()
    points = [*turns, top]
    return tuple(b - a for a, b in pairwise(points))


def smoothed(values: Floats, window: int) -> Floats:
    """Return centred running means over measured values, shorter at both ends.

    Args:
        values: float [T, ...], NaN where not measured; such places stay NaN.
        window: Frames; an even number counts as the next odd one.
    """
    reach = window // 2
    if reach < 1 or len(values) < 3:
        return values
    known = np.isfinite(values)
    total = np.cumsum(np.where(known, values, 0.0), axis=0)
    count = np.cumsum(known, axis=0)
    zero = np.zeros((1, *values.shape[1:]))
    total, count = np.concatenate([zero, total]), np.concatenate([zero, count])
    at = np.arange(len(values))
    # The window shrinks towards both ends on both sides, so that no end is drawn inward.
    half = np.minimum(np.minimum(at, len(values) - 1 - at), reach)
    low, high = at - half, at + half + 1
    mean = (total[high] - total[low]) / np.maximum(count[high] - count[low], 1)
    return np.where(known, mean, np.nan)
