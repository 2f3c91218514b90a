"""CSV and TSV manifests, row by row."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clipmill.errors import UsageError
from clipmill.sources.readers.rows import Columns, Row, open_manifest

if TYPE_CHECKING:
    from _csv import Reader as _Reader

MAX_FIELD_CHARACTERS = 1_000_000
"""A longer field is taken for a quote that was never closed."""


def csv_rows(path: str, columns: Columns) -> Iterator[Row]:
    """Read the rows below the header; blank lines are passed over.

    Python's reader is strict here: pyarrow's merges rows after a stray quote without a word, and
    does not say in which line a short row is.

    Raises:
        UsageError: The file cannot be opened, is empty, or has no path column.
    """
    delimiter = "\t" if path.lower().endswith(".tsv") else ","
    with open_manifest(path) as raw, _long_fields():
        # Bytes that are no UTF-8 become surrogates, so that they cost their own row only.
        lines = io.TextIOWrapper(raw, "utf-8-sig", "surrogateescape", newline="")
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            header = next(reader, None)
        except csv.Error as error:
            raise UsageError(f"the header of {path} cannot be read: {error}") from error
        if not header:
            raise UsageError(f"{path} has no header line; its first line must name the columns")
        path_name, caption_name = columns.choose(header, path)
        caption_at = None if caption_name is None else header.index(caption_name)
        yield from _rows(reader, len(header), header.index(path_name), caption_at)


def _rows(reader: "_Reader", width: int, path_at: int, caption_at: int | None) -> Iterator[Row]:
    while True:
        first = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"is not valid CSV ({error}); a quote inside a field is written twice"
            yield Row(_lines(first, reader.line_num), problem=problem)
            continue
        if len(fields) == width:
            text = None if caption_at is None else fields[caption_at]
            yield Row(_lines(first, reader.line_num), fields[path_at], text)
        elif fields:
            problem = f"has {len(fields)} fields where the header has {width}"
            yield Row(_lines(first, reader.line_num), problem=problem)


def _lines(first: int, last: int) -> str:
    return f"line {first}" if first >= last else f"lines {first}-{last}"


@contextmanager
def _long_fields() -> Iterator[None]:
    """Raise the limit of the csv module, which is one for the whole process, for a while."""
    before = csv.field_size_limit(MAX_FIELD_CHARACTERS)
    try:
        yield
    finally:
        csv.field_size_limit(before)
