"""JSONL tables: one JSON object a line."""

import json
from collections.abc import Iterator
from typing import Any

from clipmill.sources.readers.rows import BROKEN, PATH_COLUMNS, Row, RowColumns, open_text


def jsonl_rows(path: str, columns: RowColumns) -> Iterator[Row]:
    """Read the objects of a JSONL file; blank lines are passed over.

    Keys may differ from line to line: each line is asked for a path and a caption of its own.

    Raises:
        UsageError: The file cannot be opened.
    """
    number = 0
    with open_text(path, columns.encoding, newline="\n") as lines:
        try:
            for number, line in enumerate(lines, 1):
                text = line.removeprefix("\ufeff") if number == 1 else line
                if text and not text.isspace():
                    yield _row(f"line {number}", text, columns)
        except (UnicodeError, *BROKEN) as error:
            problem = f"this line and those after it cannot be read: {error}"
            yield Row(f"line {number + 1}", problem=problem)


def _row(where: str, line: str, columns: RowColumns) -> Row:
    try:
        # Not strict: a bare tab or zero byte in a caption costs neither it nor its video.
        item = json.loads(line, strict=False)
    except (ValueError, RecursionError) as error:
        return Row(where, problem=f"is not valid JSON: {error}")
    return row_of(where, item, columns)


def row_of(where: str, item: Any, columns: RowColumns) -> Row:
    """Return the row that a JSON value stands for.

    Args:
        where: Line or item.
        item: The value.
        columns: Which fields are asked for.
    """
    if not isinstance(item, dict):
        return Row(where, problem="is not a JSON object")
    chosen = columns.find(list(item))
    if chosen is None:
        wanted = columns.path or ", ".join(PATH_COLUMNS)
        return Row(where, problem=f"has no path (wanted: {wanted})")
    path: Any = item[chosen.path]
    if path is not None and not isinstance(path, str):
        return Row(where, problem=f"'{chosen.path}' is not a string")
    text = None if chosen.caption is None else item[chosen.caption]
    if chosen.times is None:
        return Row(where, path or "", text, columns=chosen)
    start, end = item[chosen.times.start], item[chosen.times.end]
    return Row(where, path or "", text, start=start, end=end, columns=chosen)
