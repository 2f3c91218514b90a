"""JSON tables: a list of objects in one document."""

import json
from collections.abc import Iterator

from clipmill.sources.readers.json_items import JsonDamageError, json_items
from clipmill.sources.readers.rows import BROKEN, Row, RowColumns, open_table
from clipmill.sources.readers.rows_jsonl import jsonl_rows, row_of

_MAX_LINE_BYTES = 1 << 20


def json_rows(path: str, columns: RowColumns) -> Iterator[Row]:
    """Read a list of objects, item by item; JSON lines under the name `.json` are read too.

    Raises:
        UsageError: The file cannot be opened, or holds neither.
    """
    if _is_lines(path):
        yield from jsonl_rows(path, columns)
        return
    number = 0
    try:
        for number, item in enumerate(json_items(path, columns.encoding, lists_only=True), 1):
            yield row_of(f"item {number}", item, columns)
    except JsonDamageError as error:
        where = f"item {number + 1}"
        yield Row(where, problem=f"is not valid JSON ({error}); items after it cannot be read")


def _is_lines(path: str) -> bool:
    """Whether the first line is a JSON object of its own."""
    try:
        with open_table(path) as file:
            first = file.readline(_MAX_LINE_BYTES)
        return isinstance(json.loads(first.decode("utf-8-sig"), strict=False), dict)
    except (ValueError, RecursionError, *BROKEN):
        return False  # where it is damaged, the reader of lists tells it with its place
