"""Part files: every commit is one, and together they are a table with one row per key.

`part-{level}-{sequence:010d}-{token}.parquet`. The sequence grows with every commit; the token
makes names unique. Level 0 is a commit; higher levels hold the rows of several lower parts and
the sequence of the last of them; level 9 holds a whole table. Rows of a part are sorted by key.
A merge writes as many parts as its rows need, of one level and sequence: one file never holds so
much that its damage costs a table.
"""

import re
import secrets
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clipmill.store.errors import CHECK, CorruptFileError
from clipmill.store.storage.base import Storage
from clipmill.store.tables import Fetch, explained_reads, open_parquet, write_grouped

OK = "ok"
FAILED = "failed"
WHOLE_LEVEL = 9

_NAME = re.compile(r"part-(\d)-(\d{10,})-([0-9a-f]{8})\.parquet")
_ATTEMPTS = 20
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, order=True)
class PartName:
    """A part's name; names sort in commit order.

    Attributes:
        sequence: Number of the (last) commit in it.
        level: How often its rows were merged.
        token: 8 random hex digits.
    """

    sequence: int
    level: int
    token: str

    @classmethod
    def new(cls, sequence: int, level: int) -> "PartName":
        """Return a name that no other file has."""
        return cls(sequence, level, secrets.token_hex(4))

    @classmethod
    def parse(cls, name: str) -> "PartName | None":
        """Read a file name; None when it is not a part's."""
        match = _NAME.fullmatch(name)
        return cls(int(match[2]), int(match[1]), match[3]) if match else None

    @property
    def file(self) -> str:
        """The file name."""
        return f"part-{self.level}-{self.sequence:010d}-{self.token}.parquet"


class Parts:
    """The part files of one table.

    Attributes:
        folder: Path relative to the storage's root.
        schema: Columns of every part.
        key: Name of the key column.
        later: Columns that parts of an earlier version may lack; null there.
    """

    def __init__(
        self,
        storage: Storage,
        folder: str,
        schema: pa.Schema,
        key: str,
        *,
        later: frozenset[str] = frozenset(),
    ) -> None:
        self.folder, self.schema, self.key, self.later = folder, schema, key, later
        self._storage = storage
        self._metadata: dict[PartName, pq.FileMetaData] = {}

    def list(self) -> list[PartName]:
        """Return the parts there are, in commit order, without those that are to be ignored."""
        parsed = map(PartName.parse, self._storage.visible(self.folder))
        found = sorted(name for name in parsed if name is not None)
        self._metadata = {name: m for name in found if (m := self._metadata.get(name))}
        return found

    def path(self, name: PartName) -> str:
        """Return a part's path for messages, with the workspace in front."""
        return self._storage.full(f"{self.folder}/{name.file}")

    def explained(self, name: PartName) -> AbstractContextManager[None]:
        """Turn read errors of the block into a CorruptFileError that names the part."""
        return explained_reads(self.path(name), CHECK)

    @contextmanager
    def open(self, name: PartName) -> Iterator[pq.ParquetFile]:
        """Open a part.

        Raises:
            CorruptFileError: It is damaged, or has other columns than expected; also for
                damage that shows while the block reads.
            FileNotFoundError: It was merged into another since it was listed.
        """
        with self.explained(name):
            source: Any = self._storage.open(f"{self.folder}/{name.file}")
            with source, open_parquet(source, metadata=self._metadata.get(name)) as file:
                if name not in self._metadata:
                    self._check_schema(name, file.schema_arrow)
                    self._metadata[name] = file.metadata
                yield file

    def may_hold(self, name: PartName, wanted: Sequence[str]) -> bool:
        """Tell whether a part may hold one of the keys, by what is known of it without opening.

        Args:
            name: A part.
            wanted: Keys, ascending.
        """
        metadata = self._metadata.get(name)
        if metadata is None:
            return True
        column = self.schema.get_field_index(self.key)
        groups = range(metadata.num_row_groups)
        return any(
            holds_any(metadata.row_group(g).column(column).statistics, wanted) for g in groups
        )

    def _check_schema(self, name: PartName, found: pa.Schema) -> None:
        lacking = self.later - set(found.names)
        if found.equals(pa.schema([field for field in self.schema if field.name not in lacking])):
            return
        raise CorruptFileError(
            self.path(name),
            f"its columns are not those of {self.folder.split('/')[1]} "
            f"({_difference(found, self.schema)})",
            "It was written by another version of clipmill without a new fingerprint; delete "
            "its folder and run again.",
        )

    def write(self, name: PartName, *, rows: int, fetch: Fetch) -> None:
        """Write a part; it is there for readers, whole and durable, when this returns.

        Raises:
            StorageError: The storage refused; no part was written.
        """
        words = ["status", "error_kind", "error"]
        with self._storage.create(f"{self.folder}/{name.file}") as file:
            write_grouped(file, self.schema, rows=rows, fetch=fetch, key=self.key, words=words)

    def remove(self, names: Sequence[PartName]) -> None:
        """Remove parts whose rows are in a newer part."""
        for name in names:
            self._storage.remove(f"{self.folder}/{name.file}")

    def consistent(self, read: Callable[[Sequence[PartName]], ResultT]) -> ResultT:
        """Run `read` on the listed parts, again when a merge took one of them away meanwhile."""
        for _ in range(_ATTEMPTS):
            try:
                return read(self.list())
            except FileNotFoundError:
                continue
        return read(self.list())

    def load(self, names: Sequence[PartName], columns: Sequence[str]) -> pa.Table:
        """Return columns of all rows of the given parts, in commit order.

        Args:
            names: Parts, in commit order.
            columns: Column names, or dotted Parquet paths of nested fields.
        """
        tables = []
        for name in names:
            with self.open(name) as file:
                tables.append(file.read(columns=list(columns)))
        if not tables:
            fields = [self.schema.field(root) for root in _roots(columns)]
            return pa.schema(fields).empty_table()
        return self.filled(pa.concat_tables(tables, promote_options="default"), columns)

    def filled(self, table: pa.Table, columns: Sequence[str]) -> pa.Table:
        """Add the columns that no part had, with nulls, to a table that was read with `columns`."""
        lacking = [root for root in _roots(columns) if root in self.later - set(table.column_names)]
        for root in lacking:
            field = self.schema.field(root)
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
        if not lacking:
            return table
        return table.select([name for name in self.schema.names if name in table.column_names])


def _roots(columns: Sequence[str]) -> list[str]:
    """Return the columns that hold the given ones, dotted paths of nested fields among them."""
    return list(dict.fromkeys(column.partition(".")[0] for column in columns))


def _difference(found: pa.Schema, expected: pa.Schema) -> str:
    missing = [field.name for field in expected if field.name not in found.names]
    extra = [name for name in found.names if name not in expected.names]
    changed = [
        f"{field.name} is {found.field(field.name).type}, not {field.type}"
        for field in expected
        if field.name in found.names and not found.field(field.name).equals(field)
    ]
    texts = [f"without {', '.join(missing)}"] if missing else []
    texts += [f"with {', '.join(extra)}"] if extra else []
    return "; ".join(texts + changed) or "in another order"


def holds_any(statistics: Any, wanted: Sequence[str]) -> bool:
    """Tell whether a row group's range of keys holds one of the given, ascending keys."""
    if statistics is None or not statistics.has_min_max:
        return True
    first = bisect_left(wanted, statistics.min)
    return first < len(wanted) and bool(wanted[first] <= statistics.max)


def by_part(table: pa.Table, key: str) -> pa.Table | None:
    """Return rows by ascending key where it takes no more than putting their parts in order.

    So it is in a compacted table. None where a key is there twice, or parts overlap.

    Args:
        table: Rows, part by part.
        key: Name of the key column.
    """
    batches = [batch for batch in table.to_batches() if batch.num_rows]
    batches.sort(key=lambda batch: str(batch[key][0].as_py()))
    last = None
    for batch in batches:
        keys = batch[key]
        first, inner = keys[0].as_py(), pc.less(keys.slice(0, len(keys) - 1), keys.slice(1))
        if (last is not None and not last < first) or not pc.all(inner).as_py():
            return None
        last = keys[len(keys) - 1].as_py()
    return pa.Table.from_batches(batches, table.schema)


def winners(keys: pa.ChunkedArray, status: pa.ChunkedArray) -> pa.Array:
    """Return the row of every key that counts, by ascending key.

    A row that is ok wins over a failed one; among equals, the later commit wins.

    Args:
        keys: string [n], in commit order.
        status: string [n], `ok` or `failed`.

    Returns:
        int64 row numbers, one per distinct key.
    """
    count = len(keys)
    ok = np.asarray(pc.equal(status, OK))
    rank = np.arange(count) + count * ok
    best = (
        pa.table({"key": keys, "rank": rank})
        .group_by("key")
        .aggregate([("rank", "max")])
        .sort_by("key")
    )
    return pa.array(np.asarray(best["rank_max"]) % max(count, 1))
