"""The published table of a dataset: which videos are chosen, and their captions."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from clipmill.download.errors import DatasetError
from clipmill.download.where import Condition, check_columns, plain_column

_BLOCK = 1 << 23


@dataclass
class Choice:
    """Videos that a choice of rows names.

    Attributes:
        names: File names.
        rows: Rows read.
        short: Rows of another number of columns, left out.
        empty: Rows without a video, left out.
        repeated: Further rows of a video that is already chosen.
    """

    names: set[str] = field(default_factory=set)
    rows: int = 0
    short: int = 0
    empty: int = 0
    repeated: int = 0


class VideoTable:
    """A CSV file with at least the columns `video` and `caption`.

    Args:
        path: The file.

    Raises:
        DatasetError: It has not these columns.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r", encoding="utf-8-sig", errors="replace", newline="") as file:
            header = next(csv.reader(file), [])
        self.columns = {plain_column(name): name for name in header}
        if missing := {"video", "caption"} - set(self.columns):
            raise DatasetError(f"{path} has no column {' and no '.join(sorted(missing))}")
        self._short: list[int] = []

    def choose(self, conditions: tuple[Condition, ...]) -> Choice:
        """Return the videos of the rows that meet all conditions.

        Raises:
            WhereError: A condition names a column that is not there.
            DatasetError: The table cannot be read.
        """
        check_columns(conditions, self.columns)
        choice = Choice()
        for video, *cells in self._rows(("video", *(c.column for c in conditions))):
            choice.rows += 1
            name = file_name(video)
            if not name:
                choice.empty += 1
            elif all(c.holds(cell) for c, cell in zip(conditions, cells, strict=True)):
                choice.repeated += name in choice.names
                choice.names.add(name)
        choice.short = len(self._short)
        return choice

    def captions(self) -> Iterator[tuple[str, str]]:
        """Yield (file name, caption) of every row, in the table's order."""
        for video, caption in self._rows(("video", "caption")):
            yield file_name(video), caption

    def _rows(self, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
        self._short.clear()
        wanted = [self.columns[name] for name in columns]
        unique = list(dict.fromkeys(wanted))

        def leave_out(row: arrow_csv.InvalidRow) -> str:
            self._short.append(row.actual_columns)
            return "skip"

        try:
            reader = arrow_csv.open_csv(
                self.path,
                read_options=arrow_csv.ReadOptions(block_size=_BLOCK),
                parse_options=arrow_csv.ParseOptions(
                    newlines_in_values=True, invalid_row_handler=leave_out
                ),
                # Bytes: one damaged character must not cost the table.
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=unique, column_types=dict.fromkeys(unique, pa.binary())
                ),
            )
            for batch in reader:
                found = dict(zip(unique, batch.columns, strict=True))
                yield from zip(*(_texts(found[name]) for name in wanted), strict=True)
        except pa.ArrowInvalid as error:
            raise DatasetError(f"{self.path} cannot be read: {error}") from error


def file_name(video: str) -> str:
    """Return the name in a cell of the column `video`, without folders."""
    return re.split(r"[/\\]", video.strip())[-1]


def _texts(column: pa.Array) -> list[str]:
    return [(cell or b"").decode("utf-8", "replace") for cell in column.to_pylist()]
