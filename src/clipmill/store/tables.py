"""Parquet files whose bytes depend on their rows alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clipmill.disk.faults import system_remedy
from clipmill.store.errors import CorruptFileError, StorageError

GROUP_ROWS = 4096
"""Most rows of a row group: small enough to fetch a few clips without much waste."""

GROUP_BYTES = 4 << 20
"""Row groups are closed at about this size of uncompressed content."""

_FIRST_CHUNK = 16
_WRITE_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "version": "2.6",
    "write_page_checksum": True,
}

Fetch = Callable[[int, int], pa.Table]
"""Gives rows [start, stop) of a table that need not exist as a whole."""


@contextmanager
def explained_reads(path: str, remedy: str) -> Iterator[None]:
    """Turn whatever pyarrow says of a damaged file into a CorruptFileError.

    A missing file stays a FileNotFoundError: the caller decides what that means.

    Raises:
        StorageError: The machine could not read it (no right to, a failing or missing disk, no
            memory), which says nothing of the file.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except pa.ArrowMemoryError as error:
        raise StorageError(f"cannot read {path}: the machine has no memory left") from error
    except (pa.ArrowException, OSError, ValueError) as error:  # bad bytes, text or JSON
        if isinstance(error, OSError) and error.errno:
            what = error.strerror or str(error)
            todo = system_remedy(error) or "nothing was changed"
            raise StorageError(f"cannot read {path}: {what}; {todo}") from error
        raise CorruptFileError(path, str(error).rstrip("."), remedy) from error


def open_parquet(source: Any, *, metadata: Any = None) -> pq.ParquetFile:
    """Open a Parquet file with its page checksums verified."""
    return pq.ParquetFile(
        source, metadata=metadata, page_checksum_verification=True, pre_buffer=False
    )


def rows_with(
    file: pq.ParquetFile, column: str, value: str, *, groups: Sequence[int] | None = None
) -> pa.Table:
    """Return the rows with one value in a column, reading as little else as can be.

    Args:
        file: Opened.
        column: A column of texts.
        value: What it is to be.
        groups: Row groups that may have it; all when None.
    """
    place = file.schema_arrow.get_field_index(column)
    found = []
    for group in range(file.num_row_groups) if groups is None else groups:
        known = file.metadata.row_group(group).column(place).statistics
        if known is not None and known.has_min_max and not known.min <= value <= known.max:
            continue
        hits = pc.equal(file.read_row_group(group, columns=[column])[column], value)
        if pc.any(hits).as_py():
            found.append(file.read_row_group(group).filter(hits))
    return pa.concat_tables(found) if found else file.schema_arrow.empty_table()


def write_plain(sink: IO[bytes], table: pa.Table, *, rows_per_group: int = GROUP_ROWS * 16) -> None:
    """Write a table in its own row order, dictionary-coded: for verdicts and summaries."""
    with pq.ParquetWriter(sink, table.schema, **_WRITE_OPTIONS) as writer:
        if table.num_rows:
            writer.write_table(table.combine_chunks(), row_group_size=rows_per_group)


def write_grouped(
    sink: IO[bytes], schema: pa.Schema, *, rows: int, fetch: Fetch, key: str, words: list[str]
) -> None:
    """Write rows in small row groups, holding one group in memory.

    Where a group ends depends on the rows alone, not on how `fetch` came by them, so equal
    rows give equal bytes.

    Args:
        sink: Open file.
        schema: Of what `fetch` gives.
        rows: How many rows there are.
        fetch: Called with ascending, adjoining ranges.
        key: Column whose smallest and largest value every group notes.
        words: Columns of few distinct words, worth a dictionary. Blobs are not.
    """
    with pq.ParquetWriter(
        sink, schema, use_dictionary=words, write_statistics=[key], **_WRITE_OPTIONS
    ) as writer:
        for group in _groups(rows, fetch):
            writer.write_table(group, row_group_size=group.num_rows)


def _groups(rows: int, fetch: Fetch) -> Iterator[pa.Table]:
    start, chunk = 0, _FIRST_CHUNK
    while start < rows:
        parts: list[pa.Table] = []
        size = count = 0
        while start < rows and count < GROUP_ROWS and size < GROUP_BYTES:
            stop = min(start + chunk, start + GROUP_ROWS - count, rows)
            parts.append(fetch(start, stop))
            size += sum(content_bytes(column) for column in parts[-1].columns)
            count += stop - start
            start = stop
            # aim at the group's end by the mean so far, but trust no small sample far
            room = int((GROUP_BYTES - size) / (size / count + 1))
            chunk = max(1, min(room if size < GROUP_BYTES else chunk, 4 * chunk))
        yield pa.concat_tables(parts).combine_chunks()


def content_bytes(column: pa.ChunkedArray | pa.Array) -> int:
    """Return the size of a column's values, whatever buffers they happen to lie in."""
    if isinstance(column, pa.ChunkedArray):
        return sum(content_bytes(chunk) for chunk in column.chunks)
    kind = column.type
    if pa.types.is_struct(kind):
        return len(column) + sum(content_bytes(field) for field in column.flatten())
    if pa.types.is_list(kind):
        return 4 * len(column) + content_bytes(column.flatten())
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return 4 * len(column) + (pc.sum(pc.binary_length(column)).as_py() or 0)
    return int(len(column) * max(kind.bit_width, 8) // 8)
