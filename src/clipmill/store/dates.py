"""When rows were written: their parts tell it until they are merged, then a file of its own.

A part's time is that of its commit. Merging would date every row to the merge, so the dates of what
is about to be merged are noted before, in `dates/<name>/<fingerprint>.parquet`. They lie apart from
the rows, whose bytes depend on nothing but what was measured.
"""

import time
from collections.abc import Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.store.errors import CHECK, CorruptFileError
from clipmill.store.parts import WHOLE_LEVEL, PartName, Parts
from clipmill.store.storage.base import Storage
from clipmill.store.tables import explained_reads, open_parquet, write_plain

DATES: Final = "dates"
"""Folder of a workspace for them."""

_WRITTEN = pa.timestamp("ms", "UTC")
_SCHEMA = pa.schema([("key", pa.string()), ("written", _WRITTEN)])


class RowDates:
    """The dates of the rows of one table.

    Args:
        storage: Of the workspace.
        path: Of the table, `annotations/<name>/<fingerprint>`.
        parts: Its part files.
    """

    def __init__(self, storage: Storage, path: str, parts: Parts) -> None:
        self._storage, self._parts = storage, parts
        self._path = f"{DATES}/{path.partition('/')[2]}.parquet"
        self._committed: list[pa.Table] = []

    def committed(self, keys: pa.ChunkedArray) -> None:
        """Keep in mind that rows have been committed now, until `note`."""
        self._committed.append(pa.table([keys, pa.repeat(_now(), len(keys))], schema=_SCHEMA))

    def read(self) -> pa.Table:
        """Return when the rows were written: `key`, `written` (UTC), one row per key, ascending.

        The last time counts for a row that was written again. A row that was merged before dates
        were noted has that of the merge: it is not younger. Null where the storage keeps no times.
        """
        return self._parts.consistent(self._of)

    def note(self) -> None:
        """Note the dates of rows that are in no merged table yet; call it before merging them.

        Raises:
            StorageError: The storage refused; what was noted before still is.
        """
        names = self._parts.list()
        if all(name.level == WHOLE_LEVEL for name in names):
            return
        table = self._of(names)
        # Where nothing tells, it was now or earlier.
        written = pc.fill_null(table["written"], _now())
        with self._storage.create(self._path) as file:
            write_plain(file, pa.table([table["key"], written], schema=_SCHEMA))
        self._committed.clear()

    def _of(self, names: Sequence[PartName]) -> pa.Table:
        noted = self._noted()
        commits = self._dated([name for name in names if name.level == 0])
        sure = pa.concat_tables(
            [_SCHEMA.empty_table() if noted is None else noted, *self._committed, *commits]
        )
        # A part of several commits has the time of their merge, which counts where nothing else
        # tells; what a whole table held when dates were noted is among them.
        last = WHOLE_LEVEL if noted is None else WHOLE_LEVEL - 1
        merged = [_SCHEMA.empty_table()]
        merged += self._dated([name for name in names if 0 < name.level <= last])
        rest = pa.concat_tables(merged)
        rest = rest.filter(pc.invert(pc.is_in(rest["key"], value_set=sure["key"])))
        every = pa.concat_tables([sure, rest]).group_by("key", use_threads=False)
        latest = every.aggregate([("written", "max")]).rename_columns({"written_max": "written"})
        return latest.sort_by("key").select(["key", "written"]).combine_chunks()

    def _dated(self, names: Sequence[PartName]) -> list[pa.Table]:
        times = self._storage.times(self._parts.folder) if names else {}
        tables = []
        for name in names:
            keys = self._parts.load([name], [self._parts.key]).column(0)
            at = times.get(name.file)
            date = pa.scalar(None if at is None else round(at * 1000), pa.int64()).cast(_WRITTEN)
            tables.append(pa.table([keys, pa.repeat(date, len(keys))], schema=_SCHEMA))
        return tables

    def _noted(self) -> pa.Table | None:
        """Return what was noted; None where nothing was, or it cannot be read any more."""
        try:
            with (
                explained_reads(self._storage.full(self._path), CHECK),
                self._storage.open(self._path) as source,
                open_parquet(source) as file,
            ):
                return file.read().cast(_SCHEMA)
        except (FileNotFoundError, CorruptFileError):
            return None


def _now() -> pa.Scalar:
    return pa.scalar(round(time.time() * 1000), pa.int64()).cast(_WRITTEN)
