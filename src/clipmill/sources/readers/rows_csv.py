"""CSV and TSV tables, row by row."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clipmill.errors import UsageError
from clipmill.sources.readers.rows import BROKEN, Chosen, Row, RowColumns, open_text

if TYPE_CHECKING:
    from _csv import Reader as _Reader

MAX_FIELD_CHARACTERS = 1_000_000
"""A longer field is taken for a quote that was never closed."""


def csv_rows(path: str, columns: RowColumns) -> Iterator[Row]:
    """Read the rows below the header; blank lines are passed over.

    Python's reader is strict here: pyarrow's merges rows after a stray quote without a word, and
    does not say in which line a short row is.

    Raises:
        UsageError: The file cannot be opened, is empty, or has no path column.
    """
    delimiter = "\t" if ".tsv" in path.lower()[-len(".tsv.gz") :] else ","
    with open_text(path, columns.encoding, newline="") as lines, _long_fields():
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            header = next(reader, None)
        except (csv.Error, UnicodeError, *BROKEN) as error:
            raise UsageError(f"the header of {path} cannot be read: {error}") from error
        if not header:
            raise UsageError(f"{path} has no header line; its first line must name the columns")
        chosen = columns.choose(header, path)
        yield from _rows(reader, header, chosen)


def _rows(reader: "_Reader", header: list[str], chosen: Chosen) -> Iterator[Row]:
    width = len(header)
    path_at = header.index(chosen.path)
    caption_at = None if chosen.caption is None else header.index(chosen.caption)
    times = chosen.times
    start_at, end_at = (header.index(times.start), header.index(times.end)) if times else (0, 0)
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
        except (UnicodeError, *BROKEN) as error:
            problem = f"this line and those after it cannot be read: {error}"
            yield Row(_lines(first, 0), problem=problem)
            return
        if len(fields) == width:
            text = None if caption_at is None else fields[caption_at]
            where = _lines(first, reader.line_num)
            if times:
                start, end = fields[start_at], fields[end_at]
                yield Row(where, fields[path_at], text, "", start, end, chosen)
            else:
                yield Row(where, fields[path_at], text, columns=chosen)
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
