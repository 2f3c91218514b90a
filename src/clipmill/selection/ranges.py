"""Range and value rules: each item is judged by its own value."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.selection.cuts import Cut, plain_number
from clipmill.selection.ledger import Ledger
from clipmill.selection.rules import RangeRule, ValueRule
from clipmill.selection.values import column_of, numbers_of, texts_of


def apply_range(rule: RangeRule, population: pa.Table, ledger: Ledger) -> Cut:
    """Drop what lies outside a range; the bound it broke is the threshold."""
    values = numbers_of(population, rule.column)
    bounds = [
        (rule.min, "<", np.less),
        (rule.above, "<=", np.less_equal),
        (rule.max, ">", np.greater),
        (rule.below, ">=", np.greater_equal),
    ]
    texts, dropped = [], 0
    for bound, sign, is_outside in bounds:
        if bound is None:
            continue
        rows = np.flatnonzero(values.valid & is_outside(values.numbers, bound))
        texts.append(f"{rule.column} {sign} {plain_number(bound)}")
        dropped += len(rows)
        ledger.drop(rows, rule.reason or texts[-1], values, threshold=bound)
    ledger.fail(~values.valid, values)
    return Cut(
        column=rule.column,
        rule=" or ".join(texts),
        kind="range",
        low=rule.min if rule.min is not None else rule.above,
        high=rule.max if rule.max is not None else rule.below,
        drops="outside",
        population=int(values.valid.sum()),
        dropped=dropped,
    )


def apply_value(rule: ValueRule, population: pa.Table, ledger: Ledger) -> Cut:
    """Drop what is not one of the listed values."""
    column = column_of(population, rule.column)
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    values = (texts_of if is_text else numbers_of)(population, rule.column)
    kept = np.zeros(len(column), bool)
    for value in rule.one_of:
        if isinstance(value, str) == is_text:
            kept |= (
                np.asarray(pc.fill_null(pc.equal(column, value), False))
                if is_text
                else values.numbers == float(value)
            )
    rows = np.flatnonzero(values.valid & ~kept)
    text = f"{rule.column} is not {' or '.join(map(str, rule.one_of))}"
    ledger.drop(rows, rule.reason or text, values)
    ledger.fail(~values.valid, values)
    return Cut(
        column=rule.column,
        rule=text,
        kind="value",
        low=None,
        high=None,
        drops="others",
        population=int(values.valid.sum()),
        dropped=len(rows),
    )
