"""Rules of a selection as plain data to draw: histogram, cuts, and what can be moved."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.config import SelectStep
from clipmill.inspection.histogram import bin_edges
from clipmill.selection import Cut, QuantileRule, RangeRule, Rule
from clipmill.whatif.outcome import Judged, StepOutcome

Floats = npt.NDArray[np.float64]

POINTS = 201
"""Places of the ranking whose values the page gets: it turns a place into a share by them."""

BOUNDS = ("min", "above", "max", "below")


def selection_shape(step: SelectStep, outcome: StepOutcome) -> dict[str, Any]:
    """Return a selection with a histogram for each of its rules over numbers."""
    cuts = iter(outcome.cuts)
    rules = []
    for number, rule in enumerate(step.rules):
        mine = [next(cuts) for _ in range(len(rule.drop) if isinstance(rule, QuantileRule) else 1)]
        rules.append(_rule(number, rule, mine, outcome.judged))
    return {
        "name": step.select,
        "title": step.title,
        "level": step.level,
        "entering": outcome.entering,
        "leaving": outcome.leaving,
        "min_population": step.min_population,
        "min_kept_points": step.min_kept_points,
        "guarded": any(cut.guarded for cut in outcome.cuts),
        "ranked": any(isinstance(rule, QuantileRule) for rule in step.rules),
        "rules": rules,
    }


def _rule(number: int, rule: Rule, cuts: list[Cut], judged: Judged | None) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "number": number,
        "column": rule.column,
        "reason": rule.reason or "",
        "dropped": sum(cut.dropped for cut in cuts),
        "judged": cuts[0].population,
        "text": " or ".join(cut.rule for cut in cuts),
    }
    if judged is None or not isinstance(rule, RangeRule | QuantileRule):
        return shape | {"kind": "value"}
    numbers = _numbers(judged, rule.column)
    finite = np.isfinite(numbers)
    values, kept = numbers[finite], judged.kept[finite]
    if isinstance(rule, QuantileRule):
        marks = [value for cut in cuts for value in (cut.low, cut.high) if value is not None]
        own: dict[str, Any] = {"kind": "quantile", "drop": [list(pair) for pair in rule.drop]}
        own["values"] = [[cut.low, cut.high] for cut in cuts]
        order = judged.ascending[rule.column]
        some = numbers[order[judged.ranked[order]]]
        if len(some):
            own["quantiles"] = _quantiles(some).tolist()
    else:
        bounds = {name: getattr(rule, name) for name in BOUNDS if getattr(rule, name) is not None}
        own, marks = {"kind": "range", "bounds": bounds}, list(bounds.values())
    edges, logarithmic = bin_edges(values, marks)
    single = float(values[0]) if len(values) and values.min() == values.max() else None
    places = _bins(values, edges, logarithmic=logarithmic)
    return (
        shape
        | own
        | {
            "low": float(edges[0]),
            "high": float(edges[-1]),
            "logarithmic": logarithmic,
            "single": single,
            "whole": bool((values == np.round(values)).all()),
            "all": np.bincount(places, minlength=len(edges) - 1).tolist(),
            "out": np.bincount(places[~kept], minlength=len(edges) - 1).tolist(),
        }
    )


def _bins(values: Floats, edges: Floats, *, logarithmic: bool) -> npt.NDArray[np.int64]:
    """Return the bin of each value, as `numpy.histogram` counts them, without searching for it.

    Args:
        values: All inside the edges, float64 [n].
        edges: Evenly spaced along the axis, float64 [k + 1].
        logarithmic: Whether that is of logarithms.
    """
    along, ends = (np.log(values), np.log(edges)) if logarithmic else (values, edges)
    last = len(edges) - 2
    scaled = (along - ends[0]) * ((last + 1) / (ends[-1] - ends[0]))
    places = np.clip(scaled, 0, last).astype(np.int64)
    # Rounding may have put one beside its bin.
    places -= (values < edges[places]) & (places > 0)
    places += (values >= edges[places + 1]) & (places < last)
    return places


def _quantiles(ordered: Floats) -> Floats:
    """Return `POINTS` quantiles of ascending numbers, as `numpy.quantile` does."""
    places = np.linspace(0, len(ordered) - 1, POINTS)
    below = places.astype(np.int64)
    above = np.minimum(below + 1, len(ordered) - 1)
    low, high = ordered[below], ordered[above]
    found: Floats = low + (high - low) * (places - below)
    return found


def _numbers(judged: Judged, column: str) -> Floats:
    """Return the numbers of what was judged."""
    some = judged.table[column]
    if len(judged.rows) < len(some):
        some = some.take(pa.array(judged.rows))
    if pa.types.is_boolean(some.type):
        some = pc.cast(some, pa.uint8())
    return np.asarray(pc.cast(some, pa.float64(), safe=False).to_numpy(), np.float64)


def changed_fields(before: SelectStep, after: SelectStep) -> Iterator[tuple[str, Any]]:
    """Yield what is set otherwise in a selection, as `--set` names it."""
    for name in ("min_population", "min_kept_points"):
        if getattr(before, name) != getattr(after, name):
            yield f"{after.select}.{name}", getattr(after, name)
    for number, (old, new) in enumerate(zip(before.rules, after.rules, strict=True)):
        for name in type(new).model_fields:
            if (value := getattr(new, name)) != getattr(old, name, None):
                plain = [list(pair) for pair in value] if isinstance(value, tuple) else value
                yield f"{after.select}.rules.{number}.{name}", plain
