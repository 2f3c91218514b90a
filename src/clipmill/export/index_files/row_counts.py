"""Counts which pieces of an export go into which of its indices."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from clipmill.export.index_files.rows import Row, Rows, Rule


@dataclass(frozen=True)
class IndexCount:
    """What of an export is in one of its indices.

    Attributes:
        pieces: Pieces in it.
        left_out: Number of the others by reason.
    """

    pieces: int
    left_out: Mapping[str, int]

    @property
    def reasons(self) -> str:
        """`3 x no caption, 2 x no mask video`; empty when every piece is in it."""
        return ", ".join(f"{n} x {why}" for why, n in sorted(self.left_out.items()))


def count_indices(rows: Rows, rules: Mapping[str, Rule]) -> dict[str, IndexCount]:
    """Count the pieces of every index, in one pass over the rows.

    Args:
        rows: Rows of all pieces.
        rules: The rule of each index, by its name.
    """
    taken: Counter[str] = Counter()
    left: dict[str, Counter[str]] = {name: Counter() for name in rules}
    for row in rows():
        for name, rule in rules.items():
            if reason := rule(row):
                left[name][reason] += 1
            else:
                taken[name] += 1
    return {name: IndexCount(taken[name], dict(left[name])) for name in rules}


def taken(rows: Rows, rule: Rule) -> Iterator[Row]:
    """Yield the rows that an index can have."""
    return (row for row in rows() if not rule(row))


def index_lines(counts: Mapping[str, IndexCount]) -> list[str]:
    """Return for people what is in each index; those that have everything share a line."""
    whole = [name for name, count in counts.items() if not count.left_out]
    lines = [f"everything is in: {', '.join(whole)}"] if whole else []
    return lines + [
        f"{name}: {count.pieces} of {count.pieces + sum(count.left_out.values())} ({count.reasons})"
        for name, count in counts.items()
        if count.left_out
    ]
