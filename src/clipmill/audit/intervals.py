"""Confidence intervals of shares, of their weighted sums, and of the yield.

- A share of one stratum: Wilson's score interval [1], with the variance that drawing without
  replacement from a finite population has, (N - n) / (N - 1) of the binomial one.
- A weighted sum of shares of strata: MOVER, the method of variance estimates recovery [2, 3]: the
  distances from the estimates to their Wilson limits are added in squares. Other than the delta
  method or a bootstrap, it has a width also where none or all of a stratum are good.
- The yield, a ratio: all values y at which the MOVER interval of (1 - y) good kept - y good dropped
  holds zero, the way of Fieller [4].

[1] E. B. Wilson, JASA 22 (1927) 209-212.
[2] G. Y. Zou, A. Donner, Statistics in Medicine 27 (2008) 1693-1702.
[3] G. Y. Zou, W. Huang, X. Zhang, Computational Statistics & Data Analysis 53 (2009) 1080-1085.
[4] E. C. Fieller, JRSS B 16 (1954) 175-185; with MOVER: A. Donner, G. Y. Zou, Statistical Methods
    in Medical Research 21 (2012) 347-359.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from statistics import NormalDist
from typing import Final

from scipy.optimize import brentq

LEVEL: Final = 0.95
"""Share of repetitions in which the interval is to hold the truth."""

_Z: Final = NormalDist().inv_cdf((1 + LEVEL) / 2)


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    Attributes:
        value: The estimate.
        low: Lower limit.
        high: Upper limit.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Weighted:
    """A share of a stratum, and what it counts.

    Attributes:
        weight: Usually the members of the stratum.
        share: The share with its interval.
    """

    weight: float
    share: Interval


def wilson(good: int, judged: int, population: int) -> Interval:
    """Return a share of a population, from members drawn without replacement.

    Args:
        good: How many of the judged are good.
        judged: At least 1.
        population: At least `judged`; the interval is a point where all were judged.
    """
    share = good / judged
    if judged >= population:
        return Interval(share, share, share)
    squared = _Z * _Z * (population - judged) / (population - 1) / judged
    centre = (share + squared / 2) / (1 + squared)
    reach = sqrt(squared * share * (1 - share) + squared * squared / 4) / (1 + squared)
    # Where none or all are good, one limit is the estimate itself but for rounding.
    low = 0.0 if good == 0 else centre - reach
    high = 1.0 if good == judged else centre + reach
    return Interval(share, max(0.0, low), min(1.0, high))


def weighted_sum(parts: Sequence[Weighted]) -> Interval:
    """Return the sum of weight times share over independent strata; weights may be negative."""
    value = sum(part.weight * part.share.value for part in parts)
    below, above = [], []
    for part in parts:
        down = part.weight * (part.share.value - part.share.low)
        up = part.weight * (part.share.high - part.share.value)
        below.append(down if part.weight >= 0 else up)
        above.append(up if part.weight >= 0 else down)
    return Interval(value, value - hypot(*below), value + hypot(*above))


def ratio_of_good(kept: Sequence[Weighted], dropped: Sequence[Weighted]) -> Interval | None:
    """Return the share of the good members that are in the kept strata; None when none is good.

    Args:
        kept: Shares that are good, weighted with the members of their strata.
        dropped: Likewise.
    """
    inside, outside = (sum(p.weight * p.share.value for p in parts) for parts in (kept, dropped))
    if inside + outside == 0:
        return None

    def at(ratio: float) -> Interval:
        return weighted_sum(
            [
                *(Weighted((1 - ratio) * part.weight, part.share) for part in kept),
                *(Weighted(-ratio * part.weight, part.share) for part in dropped),
            ]
        )

    return Interval(
        inside / (inside + outside),
        _root(lambda ratio: at(ratio).low),
        _root(lambda ratio: at(ratio).high),
    )


def _root(function: Callable[[float], float]) -> float:
    """Return where a falling function on [0, 1] is zero; the nearer end where it is nowhere."""
    if function(0.0) <= 0:
        return 0.0
    if function(1.0) >= 0:
        return 1.0
    return float(brentq(function, 0.0, 1.0, xtol=1e-9))
