"""Text files that list the pieces of an export."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from clipmill.export.index_files.rows import CreateText


def write_lines(create: CreateText, path: str, values: Iterable[str]) -> None:
    """Write one value per line; line breaks inside a value become spaces."""
    with create(path) as file:
        for value in values:
            file.write(one_line(value) + "\n")


def write_jsonl(create: CreateText, path: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object per line."""
    with create(path) as file:
        for row in rows:
            file.write(dump(row) + "\n")


def write_json_list(create: CreateText, path: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON list of objects, one per line."""
    with create(path) as file:
        before = "[\n"
        for row in rows:
            file.write(before + dump(row))
            before = ",\n"
        file.write("[]\n" if before == "[\n" else "\n]\n")


def dump(value: Any) -> str:
    """Return JSON in ASCII on one line."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def finite(value: float) -> float | None:
    """Return a number that JSON can hold: NaN and infinity become null."""
    return float(value) if math.isfinite(value) else None


def one_line(text: str) -> str:
    """Return text without line breaks of any kind; each becomes a space."""
    return " ".join(text.splitlines())
