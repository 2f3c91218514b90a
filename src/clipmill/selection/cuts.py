"""Where a rule cut; what a report needs to draw it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cut:
    """One rule's cut; a quantile rule with several shares gives one for each.

    Flat and of plain types, so it can be stored as JSON or as a table row.

    Attributes:
        column: The column.
        rule: Text of the rule.
        kind: `range`, `value` or `quantile`.
        low: For `range`, the smallest kept value (None: no lower bound). For `quantile`, the
            smallest dropped value (None: from the bottom, or nothing was dropped).
        high: For `range`, the largest kept value (None: no upper bound). For `quantile`, the
            largest dropped value (None: to the top, or nothing was dropped).
        drops: `outside` when values outside low..high go, `inside` when those in it go,
            `nothing` when the rule dropped nothing at all, `others` for a value rule.
        population: Items the rule judged, without those whose value is no number.
        dropped: Items the rule drops, also those that an earlier rule had named already.
        guarded: Whether the population was under `min_population`, so nothing was dropped.
    """

    column: str
    rule: str
    kind: str
    low: float | None
    high: float | None
    drops: str
    population: int
    dropped: int
    guarded: bool = False


def plain_number(number: float) -> str:
    """Return a number as people write it: no trailing zeros, no rounding noise."""
    return f"{number:.12g}"
