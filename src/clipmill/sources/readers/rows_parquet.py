"""Parquet tables, batch by batch."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clipmill.errors import UsageError
from clipmill.sources.readers.rows import Chosen, Row, RowColumns, open_table

_BATCH_ROWS = 16_384


def parquet_rows(path: str, columns: RowColumns) -> Iterator[Row]:
    """Read path, caption and times; a struct with a field `path` counts as a path.

    Raises:
        UsageError: The file cannot be opened or is no Parquet, or has no fitting columns.
    """
    with open_table(path) as file:
        try:
            table = pq.ParquetFile(file, pre_buffer=False)
            schema = table.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"the table {path} is not a Parquet file: {error}") from error
        chosen = columns.choose(schema.names, path)
        wanted = [chosen.path, *([chosen.caption] if chosen.caption else [])]
        for name in wanted:
            _check_type(schema.field(name), path, is_path=name == chosen.path)
        wanted += chosen.times[:2] if chosen.times else ()
        done = 0
        try:
            for batch in table.iter_batches(_BATCH_ROWS, columns=list(dict.fromkeys(wanted))):
                for row in _cells(batch, chosen):
                    done += 1
                    video, text, start, end = row
                    yield Row(f"row {done}", video or "", text, "", start, end, chosen)
        except (pa.ArrowException, OSError) as error:
            problem = f"this row and those after it cannot be read: {error}"
            yield Row(f"row {done + 1}", problem=problem)


def _cells(batch: pa.RecordBatch, chosen: Chosen) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Yield path, caption, start and end of every row of a batch."""
    nothing = [None] * batch.num_rows
    texts = _texts(batch.column(chosen.caption)) if chosen.caption else nothing
    times = [nothing, nothing]
    if chosen.times:
        times = [batch.column(name).to_pylist() for name in chosen.times[:2]]
    return zip(_strings(batch.column(chosen.path)), texts, *times, strict=True)


def _check_type(field: pa.Field, table: str, *, is_path: bool) -> None:
    kind = field.type
    if is_path and pa.types.is_struct(kind) and kind.get_field_index("path") >= 0:
        kind = kind.field("path").type
    if not is_path and (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        kind = kind.value_type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        option = "path_column" if is_path else "caption_column"
        raise UsageError(
            f"column '{field.name}' of {table} holds {field.type}, not text; "
            f"name another by `{option}`"
        )


def _texts(column: pa.Array) -> list[Any]:
    """Return a column of captions; each may be a list of them, of which the first counts."""
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        return list(_strings(column))
    values = _strings(column.flatten())
    lengths = pc.list_value_length(column).fill_null(0).to_pylist()
    found: list[Any] = []
    at = 0
    for length in lengths:
        found.append(values[at : at + length] or None)
        at += length
    return found


def _strings(column: pa.Array) -> list[str | None]:
    """Return a column as text; bytes that are no UTF-8 become surrogates."""
    if pa.types.is_struct(column.type):
        column = pc.struct_field(column, "path")
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    large = pa.types.is_large_string(column.type)
    values = column.cast(pa.large_binary() if large else pa.binary()).to_pylist()
    return [None if v is None else v.decode("utf-8", "surrogateescape") for v in values]
