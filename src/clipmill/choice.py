"""A choice of table rows: `column op value [and column op value ...]`.

A dotted column may stand alone: `review.star` is `review.star == 1`.

The text is parsed into conditions, never evaluated as code.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from clipmill.errors import UsageError

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(
    r"""\s*(?P<column>[^\W\d][\w .]*?)\s*(?P<op>>=|<=|==|!=|=|>|<)\s*
    (?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'
    |(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.]))\s*""",
    re.VERBOSE,
)
_FLAG = re.compile(r"\s*(?P<column>[^\W\d]\w*\.\w+)\s*(?=$|and\b)", re.IGNORECASE)
_AND = re.compile(r"and\b", re.IGNORECASE)
_HELP = "write e.g. \"aesthetic_score > 5 and camera_motion == 'static'\""


def plain_column(name: str) -> str:
    """Return a column name as conditions write it: `Aesthetic score` is `aesthetic_score`."""
    return re.sub(r"\W+", "_", name.strip().lower())


@dataclass(frozen=True)
class Condition:
    """One comparison.

    Attributes:
        column: Name, as `plain_column` gives it.
        op: One of `> >= < <= == !=`.
        value: A number, or text; text is compared only for equality.
    """

    column: str
    op: str
    value: float | str

    def holds(self, cell: str) -> bool:
        """Tell whether a cell meets it; a cell that is no number meets no numeric condition."""
        if isinstance(self.value, str):
            return _OPERATORS[self.op](cell.strip(), self.value)
        try:
            return _OPERATORS[self.op](float(cell), self.value)
        except ValueError:
            return False


def parse_where(text: str) -> tuple[Condition, ...]:
    """Parse a choice; an empty text chooses every row.

    Raises:
        UsageError: The text is none.
    """
    found: list[Condition] = []
    place = 0
    while text.strip():
        flag = _FLAG.match(text, place)
        match = flag or _CONDITION.match(text, place)
        if match is None:
            raise UsageError(f"--where cannot be read at '{text[place:].strip()}'; {_HELP}")
        number, op, value = ("1", "==", "") if flag else _comparison(match)
        if number is None and op not in {"=", "==", "!="}:
            raise UsageError(f"--where: text can only be compared with == and !=; {_HELP}")
        found.append(
            Condition(plain_column(match["column"]), op, value if number is None else float(number))
        )
        place = match.end()
        if place == len(text):
            break
        joined = _AND.match(text, place)
        if joined is None:
            raise UsageError(f"--where: 'and' expected before '{text[place:]}'; {_HELP}")
        place = joined.end()
    return tuple(found)


def _comparison(match: re.Match[str]) -> tuple[str | None, str, str]:
    """Return the number, the operator and the text of a condition."""
    text = match["double"] if match["double"] is not None else match["single"]
    return match["number"], match["op"], text or ""


def check_columns(conditions: tuple[Condition, ...], columns: Mapping[str, str]) -> None:
    """Refuse conditions on columns that a table has not.

    Raises:
        UsageError: Names the column and those there are.
    """
    for condition in conditions:
        if condition.column not in columns:
            raise UsageError(
                f"--where: the table has no column '{condition.column}'; there are: "
                f"{', '.join(columns)}"
            )
