"""JSONL manifests: one JSON object a line."""

import codecs
import json
from collections.abc import Iterator
from typing import Any

from clipmill.sources.readers.rows import PATH_COLUMNS, Columns, Row, open_manifest


def jsonl_rows(path: str, columns: Columns) -> Iterator[Row]:
    """Read the objects of a JSONL file; blank lines are passed over.

    Keys may differ from line to line: each line is asked for a path and a caption of its own.

    Raises:
        UsageError: The file cannot be opened.
    """
    with open_manifest(path) as file:
        for number, raw in enumerate(file, 1):
            line = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
            if line and not line.isspace():
                yield _row(f"line {number}", line, columns)


def _row(where: str, line: bytes, columns: Columns) -> Row:
    try:
        item = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        return Row(where, problem=f"is not valid JSON: {error}")
    if not isinstance(item, dict):
        return Row(where, problem="is not a JSON object")
    path_key, caption_key = columns.find_path(item), columns.find_caption(item)
    if path_key is None:
        wanted = columns.path or ", ".join(PATH_COLUMNS)
        return Row(where, problem=f"has no path (wanted: {wanted})")
    path: Any = item[path_key]
    text: Any = None if caption_key is None else item[caption_key]
    if path is not None and not isinstance(path, str):
        return Row(where, problem=f"'{path_key}' is not a string")
    if text is not None and not isinstance(text, str):
        return Row(where, path or "", problem=f"'{caption_key}' is not a string")
    return Row(where, path or "", text)
