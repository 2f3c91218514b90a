"""The published table of a dataset: which videos are chosen, and their captions."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from clipmill.choice import Condition, check_columns, plain_column
from clipmill.download.errors import DatasetError

_LONGEST_CELL = 1 << 24
"""Characters; the library's own limit of 128 Ki is below what captioners may write."""


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
        with self._open() as file:
            header = next(csv.reader(file), [])
        self.columns = {plain_column(name): name for name in header}
        if missing := {"video", "caption"} - set(self.columns):
            raise DatasetError(f"{path} has no column {' and no '.join(sorted(missing))}")
        self._short = 0

    def choose(self, conditions: tuple[Condition, ...]) -> Choice:
        """Return the videos of the rows that meet all conditions.

        Raises:
            UsageError: A condition names a column that is not there.
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
        choice.short = self._short
        return choice

    def captions(self) -> Iterator[tuple[str, str]]:
        """Yield (file name, caption) of every row, in the table's order."""
        for video, caption in self._rows(("video", "caption")):
            yield file_name(video), caption

    def _rows(self, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
        # Not Arrow's reader: it gives its handler of short rows back in a thread of its own, which
        # aborts a process that is just ending.
        self._short = 0
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
        try:
            with self._open() as file:
                reader = csv.reader(file)
                header = next(reader, [])
                places = [header.index(self.columns[name]) for name in columns]
                for row in reader:
                    if len(row) == len(header):
                        yield tuple(row[place] for place in places)
                    else:
                        self._short += bool(row)
        except csv.Error as error:
            raise DatasetError(f"{self.path} cannot be read: {error}") from error

    def _open(self) -> TextIO:
        # One damaged character must not cost the table.
        return self.path.open("r", encoding="utf-8-sig", errors="replace", newline="")


def file_name(video: str) -> str:
    """Return the name in a cell of the column `video`, without folders."""
    return re.split(r"[/\\]", video.strip())[-1]
