"""Quantile rules: each item is judged by its place among all."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clipmill.selection.cuts import Cut, plain_number
from clipmill.selection.ledger import Ledger, Rows
from clipmill.selection.rules import QuantileRule
from clipmill.selection.values import Flags, numbers_of


def apply_quantile(
    rule: QuantileRule,
    population: pa.Table,
    ledger: Ledger,
    *,
    reached: Rows,
    least: int,
    ascending: Rows | None = None,
) -> tuple[Cut, ...]:
    """Drop shares of the population, sorted ascending by (value, key).

    Of n items with a number, a share [low, high) names the positions int(low * n) to
    int(high * n) - 1. Items of equal value go only when all of them stand at named positions:
    no item goes because of its name, and constant scores drop nothing.

    Args:
        rule: The rule.
        population: All items.
        ledger: Takes the verdicts.
        reached: Row numbers, in key order, of the items that count as the population.
        least: The rule drops nothing when n is smaller.
        ascending: Row numbers of all numbers by (value, key), where they are known.

    Returns:
        A cut for each share.
    """
    values = numbers_of(population, rule.column)
    among = np.zeros(len(values.valid), bool)
    among[reached] = True
    if ascending is None:
        rows = reached[values.valid[reached]]
        rows = rows[ascending_order(values.numbers[rows])]
    else:
        rows = ascending[(among & values.valid)[ascending]]
    ordered = values.numbers[rows]
    count = len(rows)
    guarded = count < least
    spans = [(int(low * count), int(high * count)) for low, high in rule.drop]
    dropped = _whole_ties([] if guarded else spans, ordered)
    cuts = []
    for (low, high), (start, stop) in zip(rule.drop, spans, strict=True):
        places = np.flatnonzero(dropped[start:stop]) + start
        gone = ordered[places]
        text = f"{rule.column} in {share_text(low, high)}"
        if len(gone):
            # the end that faces what is kept; of a share in the middle, the lower one
            threshold = float(gone[-1] if low == 0.0 else gone[0])
            ledger.drop(
                rows[places],
                rule.reason or text,
                values,
                threshold=threshold,
                ranks=places + 1,
                population=count,
            )
        cuts.append(
            Cut(
                column=rule.column,
                rule=text,
                kind="quantile",
                low=float(gone[0]) if len(gone) and low > 0.0 else None,
                high=float(gone[-1]) if len(gone) and high < 1.0 else None,
                drops="inside" if len(gone) else "nothing",
                population=count,
                dropped=len(gone),
                guarded=guarded,
            )
        )
    ledger.fail(among & ~values.valid, values)
    return tuple(cuts)


def share_text(low: float, high: float) -> str:
    """Return `top 10 %`, `bottom 3 %` or `40 % to 60 %`."""
    if high == 1.0:
        return f"top {_percent(1.0 - low)}"
    if low == 0.0:
        return f"bottom {_percent(high)}"
    return f"{_percent(low)} to {_percent(high)}"


def _percent(share: float) -> str:
    return f"{plain_number(round(100 * share, 9))} %"


def ascending_order(numbers: npt.NDArray[np.float64]) -> Rows:
    """Return the positions of numbers in ascending order, equal ones by position.

    The same as a stable argsort, in half the time.
    """
    order = np.argsort(numbers)
    ordered = numbers[order]
    step = ordered[1:] != ordered[:-1]
    if not step.all():
        group = np.concatenate([[0], np.cumsum(step)])
        combined = group * len(numbers) + order
        combined.sort()
        order = combined % len(numbers)
    return order


def _whole_ties(spans: list[tuple[int, int]], ordered: npt.NDArray[np.float64]) -> Flags:
    """Return the positions inside the spans whose equals are all inside.

    Args:
        spans: Positions [start, stop).
        ordered: float64 [n], ascending.
    """
    inside = np.zeros(len(ordered), bool)
    for start, stop in spans:
        inside[start:stop] = True
    if not inside.any():
        return inside
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    whole = np.logical_and.reduceat(inside, starts)
    return np.repeat(whole, np.diff(np.append(starts, len(ordered))))
