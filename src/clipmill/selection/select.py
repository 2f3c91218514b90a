"""Rules over a population: a verdict for every item, and where the rules cut."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.selection.cuts import Cut
from clipmill.selection.ledger import Ledger, Rows
from clipmill.selection.quantiles import apply_quantile
from clipmill.selection.ranges import apply_range, apply_value
from clipmill.selection.rules import QuantileRule, RangeRule, Rule
from clipmill.selection.values import column_of


@dataclass(frozen=True)
class Selection:
    """Outcome of a selection.

    Attributes:
        verdicts: One row per item, in the order of the population: the key column, `kept`
            (bool), `state` (`kept`, `dropped`, `failed`), and for items that are not kept:
            `rule` (text), `column`, `value` (float64), `threshold` (float64), `rank` (1-based,
            ascending by value and key), `population` (size the rank refers to). Null where a
            field says nothing.
        cuts: In the order of the rules; a quantile rule gives one for each of its shares.
    """

    verdicts: pa.Table
    cuts: tuple[Cut, ...]


def select(
    population: pa.Table,
    rules: Sequence[Rule],
    *,
    key: str,
    min_population: int = 0,
    unmeasured: Collection[str] = (),
    ascending: Mapping[str, Rows] | None = None,
) -> Selection:
    """Judge a population.

    Range and value rules are applied first. All quantile rules then see the same population:
    what passed those. Their drops are a union. Of both kinds, the first rule in order that
    drops an item, or cannot judge it, names its verdict. A value that is null, NaN or infinite
    is a failure of its item, never a low value, and takes no part in a rank. In columns of
    `unmeasured` null is no failure: a rule says nothing about such an item, and keeps it.

    Args:
        population: Key column and every column a rule names; one row per item.
        rules: The rules.
        key: Name of the key column.
        min_population: Quantile rules drop nothing when fewer items have a number.
        unmeasured: Columns in which null means that there was nothing to measure.
        ascending: Row numbers by (value, key) of all finite numbers of some columns, where they are
            known: a percentile need not sort them.

    Returns:
        Verdicts and cuts; an item's verdict does not depend on the order of the rows.

    Raises:
        UsageError: A column is missing or holds no numbers.
        ValueError: A key is missing or appears twice.
    """
    by_key = _key_order(population, key)
    ledger = Ledger(population.num_rows, unmeasured=unmeasured)
    cuts: list[tuple[Cut, ...]] = [()] * len(rules)
    for place, rule in enumerate(rules):
        if isinstance(rule, RangeRule):
            cuts[place] = (apply_range(rule, population, ledger),)
        elif not isinstance(rule, QuantileRule):
            cuts[place] = (apply_value(rule, population, ledger),)
    reached = by_key[ledger.undecided[by_key]]
    for place, rule in enumerate(rules):
        if isinstance(rule, QuantileRule):
            cuts[place] = apply_quantile(
                rule,
                population,
                ledger,
                reached=reached,
                least=min_population,
                ascending=(ascending or {}).get(rule.column),
            )
    verdicts = ledger.verdicts(population[key], key=key)
    return Selection(verdicts, tuple(cut for group in cuts for cut in group))


def _key_order(population: pa.Table, key: str) -> npt.NDArray[np.int64]:
    """Return row numbers by ascending key, each key being there once."""
    keys = column_of(population, key)
    if keys.null_count:
        raise ValueError(f"an item of the population has no {key}")
    order = pc.sort_indices(keys)
    ordered = keys.take(order)
    twins = pc.equal(ordered.slice(1), ordered.slice(0, max(len(ordered) - 1, 0)))
    if pc.any(twins).as_py():
        twin = ordered.slice(1).filter(twins)[0].as_py()
        raise ValueError(f"{key} {twin!r} appears twice in the population")
    return np.asarray(order).astype(np.int64)
