"""Counts which pieces of an export go into which of its indices."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from clipmill.export.formats.base import Rows

Row = Mapping[str, Any]
Rule = Callable[[Row], str]
"""Returns why a piece cannot be in an index; empty when it can."""


@dataclass
class Tally:
    """Counts what goes into each index."""

    rows: Rows
    taken: Counter[str] = field(default_factory=Counter)
    left: dict[str, Counter[str]] = field(default_factory=dict)

    def take(self, name: str, rule: Rule) -> Iterator[Row]:
        """Yield the rows that an index can have, and count them."""
        self.taken[name] = 0
        self.left[name] = Counter()
        for row in self.rows():
            reason = rule(row)
            if reason:
                self.left[name][reason] += 1
            else:
                self.taken[name] += 1
                yield row

    def counts(self) -> dict[str, Any]:
        """Return `{index: {"pieces": n, "left_out": {reason: n}}}`."""
        return {
            name: {"pieces": count, "left_out": dict(self.left[name])}
            for name, count in self.taken.items()
        }
