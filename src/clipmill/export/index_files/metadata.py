"""One list of rows in three spellings: JSON lines, JSON and CSV."""

import csv
from collections.abc import Iterator, Mapping
from typing import Any

from clipmill.export.index_files.rows import CreateText, Rows
from clipmill.export.index_files.text_lists import dump, write_json_list, write_jsonl

_TAKEN_FOR_NOTHING = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "<NA>", "N/A", "NA", "n/a", "NULL", "null", "None"),
        *("NaN", "nan", "-NaN", "-nan", "1.#IND", "1.#QNAN", "-1.#IND", "-1.#QNAN"),
    )
)
"""Texts that `pandas.read_csv` reads as a missing value unless told otherwise."""


def write_metadata(stem: str, rows: Rows, create: CreateText, *, always: tuple[str, ...]) -> None:
    """Write `STEM.jsonl`, `STEM.json` and `STEM.csv`.

    The CSV has the columns that every row has: its readers take an empty cell for the name of a
    file. A text that they would take for a missing value gets a space behind it. JSON is ASCII,
    for readers that open it in the language of their system.

    Args:
        stem: Name without extension.
        rows: JSON values.
        create: Opens a file of the export.
        always: Columns of the CSV when there is no row.
    """
    write_jsonl(create, f"{stem}.jsonl", rows())
    write_json_list(create, f"{stem}.json", rows())
    columns = _shared_columns(rows) or always
    with create(f"{stem}.csv") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(columns)
        for row in rows():
            writer.writerow([_cell(row[name]) for name in columns])


def with_key(rows: Rows, key: str) -> Rows:
    """Return those of the rows that have a key."""

    def found() -> Iterator[Mapping[str, Any]]:
        return (row for row in rows() if key in row)

    return found


def _shared_columns(rows: Rows) -> tuple[str, ...]:
    columns: tuple[str, ...] | None = None
    for row in rows():
        columns = tuple(row) if columns is None else tuple(name for name in columns if name in row)
    return columns or ()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return value + " " if value in _TAKEN_FOR_NOTHING else value
    return value if isinstance(value, int | float) else dump(value)
