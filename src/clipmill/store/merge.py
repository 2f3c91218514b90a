"""Many parts into few, sorted by key, none of them large, with little memory."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from clipmill.store.parts import WHOLE_LEVEL, PartName, Parts, winners

FAN_IN = 32
"""Runs merged at once: bounds open files and memory (one row group of each is held)."""

PART_ROWS = 10_000
"""Most rows of a merged part: what one damaged file can cost."""

Run = Sequence[PartName]
"""Parts that one merge wrote: together sorted by key, no key in two of them."""


def runs_of(names: Sequence[PartName]) -> list[list[PartName]]:
    """Return parts, given in commit order, grouped by the merge that wrote them."""
    return [list(run) for _, run in groupby(names, key=lambda n: (n.sequence, n.level))]


class _Cursor:
    """Reads rows of one part, ascending, one row group at a time.

    The file is opened when the first row is wanted and closed with the last one, so that of a run
    one file is open at a time.
    """

    def __init__(self, parts: Parts, name: PartName, last: int) -> None:
        self._parts, self._name, self._last = parts, name, last
        self._opened = ExitStack()
        self._file: pq.ParquetFile | None = None
        self._group = -1
        self._rows = parts.schema.empty_table()
        self._start = 0

    def take(self, rows: npt.NDArray[np.int64]) -> pa.Table:
        """Return rows by ascending number, all greater than those taken before."""
        if self._file is None:
            self._file = self._opened.enter_context(self._parts.open(self._name))
        taken, done = [], int(rows[-1]) == self._last
        while len(rows):
            inside = int(np.searchsorted(rows, self._start + self._rows.num_rows))
            if inside:
                taken.append(self._rows.take(pa.array(rows[:inside] - self._start)))
                rows = rows[inside:]
            if len(rows):
                self._start += self._rows.num_rows
                self._group += 1
                with self._parts.explained(self._name):
                    group = self._file.read_row_group(self._group)
                self._rows = self._parts.filled(group, self._parts.schema.names)
        if done:
            self.close()
        return pa.concat_tables(taken)

    def close(self) -> None:
        """Close the file and forget its rows."""
        self._opened.close()
        self._rows = self._parts.schema.empty_table()


def merge(parts: Parts, sources: Sequence[PartName], *, level: int) -> None:
    """Write the rows of several parts as one run, then remove those parts.

    Killed in between, both stay and say the same; the next merge takes them together.

    Raises:
        CorruptFileError: A source is damaged; nothing was changed.
        StorageError: The storage refused a new part; every source is still there.
        FileNotFoundError: Somebody else merged a source meanwhile; every other is still there.
    """
    heads = [parts.load([name], [parts.key, "status"]) for name in sources]
    starts = np.cumsum([0] + [table.num_rows for table in heads])
    table = pa.concat_tables(heads)
    chosen = np.asarray(winners(table[parts.key], table["status"]))
    del heads, table
    source_of = np.searchsorted(starts, chosen, side="right") - 1
    last = [int(chosen[source_of == s].max(initial=-1) - starts[s]) for s in range(len(sources))]
    sequence = max(name.sequence for name in sources)
    with ExitStack() as stack:
        cursors = [_Cursor(parts, name, at) for name, at in zip(sources, last, strict=True)]
        for cursor in cursors:
            stack.callback(cursor.close)

        def fetch(first: int, start: int, stop: int) -> pa.Table:
            part = slice(first + start, first + stop)
            rows, source = chosen[part], source_of[part]
            used = np.unique(source)
            tables = [cursors[s].take(np.sort(rows[source == s]) - starts[s]) for s in used]
            # rows came part by part, ascending within each: undo that order
            order = np.argsort(np.argsort(rows, kind="stable"), kind="stable")
            return pa.concat_tables(tables).take(pa.array(order))

        for first in range(0, len(chosen), PART_ROWS):
            parts.write(
                PartName.new(sequence, level),
                rows=min(PART_ROWS, len(chosen) - first),
                fetch=partial(fetch, first),
            )
    # What an interrupted merge left of this very run goes first: once the other sources are gone,
    # nothing would tell that it is left over.
    own = (sequence, level)
    parts.remove(sorted(sources, key=lambda name: (name.sequence, name.level) != own))


def merge_level(parts: Parts, level: int) -> None:
    """Merge the runs of one level once there are `FAN_IN`, so that their number stays small."""
    runs = [run for run in runs_of(parts.list()) if run[0].level == level]
    for start in range(0, len(runs) - FAN_IN + 1, FAN_IN):
        merge(parts, _joined(runs[start : start + FAN_IN]), level=level + 1)


def merge_all(parts: Parts) -> None:
    """Merge a whole table into one run."""
    while len(runs := runs_of(parts.list())) > FAN_IN:
        for start in range(0, len(runs), FAN_IN):
            some = runs[start : start + FAN_IN]
            if len(some) > 1:
                names = _joined(some)
                merge(parts, names, level=min(1 + max(n.level for n in names), WHOLE_LEVEL - 1))
    if runs and (len(runs) > 1 or runs[0][0].level != WHOLE_LEVEL):
        merge(parts, _joined(runs), level=WHOLE_LEVEL)


def _joined(runs: Sequence[Run]) -> list[PartName]:
    return [name for run in runs for name in run]
