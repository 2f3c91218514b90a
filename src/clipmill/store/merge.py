"""Many parts into one, sorted by key, with little memory."""

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from clipmill.store.parts import WHOLE_LEVEL, PartName, Parts, winners

FAN_IN = 32
"""Parts merged at once: bounds open files and memory (one row group of each is held)."""


class _Cursor:
    """Reads rows of one part, ascending, one row group at a time."""

    def __init__(self, parts: Parts, name: PartName, file: pq.ParquetFile) -> None:
        self._parts, self._name, self._file = parts, name, file
        self._group = -1
        self._rows = file.schema_arrow.empty_table()
        self._start = 0

    def take(self, rows: npt.NDArray[np.int64]) -> pa.Table:
        """Return rows by ascending number, all greater than those taken before."""
        taken = []
        while len(rows):
            inside = int(np.searchsorted(rows, self._start + self._rows.num_rows))
            if inside:
                taken.append(self._rows.take(pa.array(rows[:inside] - self._start)))
                rows = rows[inside:]
            if len(rows):
                self._start += self._rows.num_rows
                self._group += 1
                with self._parts.explained(self._name):
                    self._rows = self._file.read_row_group(self._group)
        return pa.concat_tables(taken)


def merge(parts: Parts, sources: Sequence[PartName], *, level: int) -> None:
    """Write one part with the rows of several, then remove those.

    Killed in between, both stay and say the same; the next merge takes them together.

    Raises:
        CorruptFileError: A source is damaged; nothing was changed.
        StorageError: The storage refused the new part; nothing was changed.
        FileNotFoundError: Somebody else merged a source meanwhile; nothing was changed.
    """
    counted = [(name, parts.load([name], [parts.key, "status"])) for name in sources]
    heads = pa.concat_tables(table for _, table in counted)
    chosen = np.asarray(winners(heads[parts.key], heads["status"]))
    starts = np.cumsum([0] + [table.num_rows for _, table in counted])
    del counted, heads
    with ExitStack() as stack:
        cursors = [_Cursor(parts, n, stack.enter_context(parts.open(n))) for n in sources]

        def fetch(start: int, stop: int) -> pa.Table:
            rows = chosen[start:stop]
            source = np.searchsorted(starts, rows, side="right") - 1
            used = np.unique(source)
            tables = [cursors[s].take(np.sort(rows[source == s]) - starts[s]) for s in used]
            # rows came part by part, ascending within each: undo that order
            order = np.argsort(np.argsort(rows, kind="stable"), kind="stable")
            return pa.concat_tables(tables).take(pa.array(order))

        target = PartName.new(max(name.sequence for name in sources), level)
        parts.write(target, rows=len(chosen), fetch=fetch)
    parts.remove(sources)


def merge_level(parts: Parts, level: int) -> None:
    """Merge the parts of one level once there are `FAN_IN`, so that their number stays small."""
    sources = [name for name in parts.list() if name.level == level]
    for start in range(0, len(sources) - FAN_IN + 1, FAN_IN):
        merge(parts, sources[start : start + FAN_IN], level=level + 1)


def merge_all(parts: Parts) -> None:
    """Merge a whole table into one part."""
    while len(names := parts.list()) > FAN_IN:
        for start in range(0, len(names), FAN_IN):
            sources = names[start : start + FAN_IN]
            if len(sources) > 1:
                merge(parts, sources, level=min(1 + max(n.level for n in sources), 8))
    if names and [name.level for name in names] != [WHOLE_LEVEL]:
        merge(parts, names, level=WHOLE_LEVEL)
