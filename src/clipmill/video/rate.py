"""Frame rate from presentation times; headers lie about it."""

from fractions import Fraction

import numpy as np

_SLACK = 1.001
"""Ticks over which times may scatter around an even grid and still count as rounded to it."""


def _candidates(rate: Fraction) -> list[Fraction]:
    """Rates that people use, near a measured one: whole, NTSC (n * 1000/1001), half."""
    near = [Fraction(n) for n in (int(rate), int(rate) + 1) if n > 0]
    return near + [n * Fraction(1000, 1001) for n in near] + [n - Fraction(1, 2) for n in near]


def _fits(pts: np.ndarray, ticks_per_frame: float, *, slack: float = _SLACK) -> bool:
    """Whether all times lie on an even grid of this step, up to the rounding of a tick."""
    drift = pts - pts[0] - np.arange(len(pts)) * ticks_per_frame
    return bool(drift.max() - drift.min() <= slack)


def is_constant(pts: np.ndarray) -> bool:
    """Return whether the frame intervals differ by no more than a tick's rounding.

    Args:
        pts: int64 [T] ticks, ascending.
    """
    if len(pts) < 3:
        return True
    steps = np.diff(pts)
    # The first and the last time are rounded too, so their quotient may be off by a tick in all.
    return bool(steps.max() - steps.min() <= 2) and _fits(
        pts, float(pts[-1] - pts[0]) / (len(pts) - 1), slack=2 * _SLACK
    )


def frame_rate(pts: np.ndarray, time_base: Fraction) -> Fraction:
    """Return frames per second, (n - 1) / (last - first); 0 for fewer than two times.

    Containers round times to their tick (1 ms in Matroska), so the plain quotient of a 29.97
    file may read 29.9697. Where all times agree with a common rate up to that rounding, the
    common rate is returned.

    Args:
        pts: int64 [T] ticks, ascending.
        time_base: Seconds per tick.
    """
    if len(pts) < 2 or pts[-1] <= pts[0]:
        return Fraction(0)
    measured = Fraction(len(pts) - 1, int(pts[-1] - pts[0])) / time_base
    if not is_constant(pts):
        return measured
    fitting = [rate for rate in _candidates(measured) if _fits(pts, float(1 / rate / time_base))]
    return min(fitting, key=lambda rate: abs(rate - measured), default=measured)
