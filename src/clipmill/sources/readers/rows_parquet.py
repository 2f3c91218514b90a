"""Parquet manifests, batch by batch."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clipmill.errors import UsageError
from clipmill.sources.readers.rows import Columns, Row, open_manifest

_BATCH_ROWS = 16_384


def parquet_rows(path: str, columns: Columns) -> Iterator[Row]:
    """Read the path and the caption column; a struct with a field `path` counts as a path.

    Raises:
        UsageError: The file cannot be opened or is no Parquet, or has no fitting columns.
    """
    with open_manifest(path) as file:
        try:
            table = pq.ParquetFile(file, pre_buffer=False)
            schema = table.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise UsageError(f"the manifest {path} is not a Parquet file: {error}") from error
        path_name, caption_name = columns.choose(schema.names, path)
        wanted = [name for name in (path_name, caption_name) if name is not None]
        for name in wanted:
            _check_type(schema.field(name), path, is_path=name == path_name)
        done = 0
        try:
            for batch in table.iter_batches(_BATCH_ROWS, columns=wanted):
                paths = _strings(batch.column(path_name))
                texts: list[str | None] = [None] * len(paths)
                if caption_name is not None:
                    texts = _strings(batch.column(caption_name))
                for video, text in zip(paths, texts, strict=True):
                    done += 1
                    yield Row(f"row {done}", video or "", text)
        except (pa.ArrowException, OSError) as error:
            problem = f"this row and those after it cannot be read: {error}"
            yield Row(f"row {done + 1}", problem=problem)


def _check_type(field: pa.Field, manifest: str, *, is_path: bool) -> None:
    kind = field.type
    if is_path and pa.types.is_struct(kind) and kind.get_field_index("path") >= 0:
        kind = kind.field("path").type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        option = "path_column" if is_path else "caption_column"
        raise UsageError(
            f"column '{field.name}' of {manifest} holds {field.type}, not text; "
            f"name another by `{option}`"
        )


def _strings(column: pa.Array) -> list[str | None]:
    """Return a column as text; bytes that are no UTF-8 become surrogates."""
    if pa.types.is_struct(column.type):
        column = pc.struct_field(column, "path")
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    large = pa.types.is_large_string(column.type)
    values = column.cast(pa.large_binary() if large else pa.binary()).to_pylist()
    return [None if v is None else v.decode("utf-8", "surrogateescape") for v in values]
