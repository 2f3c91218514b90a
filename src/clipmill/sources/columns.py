"""Videos and problems of a listing as columns: a million of them are no million objects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar, overload

import pyarrow as pa

from clipmill.clips import Span, Video

RowT = TypeVar("RowT")

BATCH = 4096
"""Rows that are turned into objects, or objects into columns, at a time."""

_SPAN = pa.struct(
    [
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("unit", pa.string()),
        ("text", pa.string()),
        ("where", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """An entry of a source that cannot be a video of the run, or a caption that cannot be used.

    Attributes:
        video_id: Id it would have had; another one when a video or problem has that already.
        relative_path: Path relative to its source root, or the line of a manifest without one.
        uri: Absolute path or URL.
        state: `dropped` (a second name of the same file), `failed` (cannot be read) or `noted`
            (its caption is not used; the video of that path is in the run).
        reason: One line.
    """

    video_id: str
    relative_path: str
    uri: str
    state: str
    reason: str


class Rows(Sequence[RowT], Generic[RowT]):
    """Rows of a table as a sequence of objects, each made when it is asked for.

    Args:
        table: Columns of `schema`, in any order; further ones are left out.
    """

    schema: ClassVar[pa.Schema]

    def __init__(self, table: pa.Table) -> None:
        # One chunk: rows are looked up by number.
        self.table = table.select(self.schema.names).cast(self.schema).combine_chunks()

    @classmethod
    def make(cls, values: Sequence[Any]) -> RowT:
        """Return the object of one row, from its values in the order of the schema."""
        raise NotImplementedError

    @overload
    def __getitem__(self, index: int) -> RowT: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RowT]: ...
    def __getitem__(self, index: int | slice) -> RowT | Sequence[RowT]:
        """Return one object, or those of some rows."""
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        row = index % len(self)
        return self.make([column[row].as_py() for column in self.table.columns])

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[RowT]:
        for batch in self.table.to_batches(max_chunksize=BATCH):
            yield from map(self.make, zip(*map(pa.Array.to_pylist, batch.columns), strict=True))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, tuple):
            return tuple(self) == other
        return isinstance(other, type(self)) and self.table.equals(other.table)

    __hash__ = None  # type: ignore[assignment]


class VideoRows(Rows[Video]):
    """Videos, in the order of their listing."""

    schema = pa.schema(
        [
            ("video_id", pa.string()),
            ("source", pa.string()),
            ("relative_path", pa.string()),
            ("uri", pa.string()),
            ("size_bytes", pa.int64()),
            ("text", pa.string()),
            ("stamp", pa.string()),
            ("spans", pa.list_(_SPAN)),
        ]
    )

    @classmethod
    def make(cls, values: Sequence[Any]) -> Video:
        """See `Rows`."""
        spans = tuple(Span(**cell) for cell in values[len(values) - 1] or ())
        return Video(*(*values[:-1], spans))


class ProblemRows(Rows[SourceProblem]):
    """Entries of sources that are no videos of the run."""

    schema = pa.schema(
        [(name, pa.string()) for name in ("video_id", "relative_path", "uri", "state", "reason")]
    )

    @classmethod
    def make(cls, values: Sequence[Any]) -> SourceProblem:
        """See `Rows`."""
        return SourceProblem(*values)


class Collected:
    """Rows of a table while they are collected, a batch of them as objects.

    Args:
        schema: Columns.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._done: list[pa.RecordBatch] = []
        self._rows: list[tuple[Any, ...]] = []

    def __len__(self) -> int:
        return len(self._done) * BATCH + len(self._rows)

    def append(self, row: tuple[Any, ...]) -> None:
        """Add a row: its values in the order of the schema."""
        self._rows.append(row)
        if len(self._rows) == BATCH:
            self._done.append(self._batch())
            self._rows = []

    def value(self, row: int, column: str) -> Any:
        """Return one value of a row that was added."""
        batch, at = divmod(row, BATCH)
        if batch < len(self._done):
            return self._done[batch][column][at].as_py()
        return self._rows[at][self._schema.get_field_index(column)]

    def table(self) -> pa.Table:
        """Return all rows."""
        return pa.Table.from_batches([*self._done, self._batch()], self._schema)

    def _batch(self) -> pa.RecordBatch:
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(self._schema)
        arrays = [
            pa.array(values, field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)
