"""The CSV shards of a training stage; rows go round over them."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from clipmill.export.formats.frameino.rows import STAGE1_COLUMNS, STAGE2_COLUMNS
from clipmill.export.index_files.rows import CreateText

SHARD_NAMES = r"shard-\d{5}\.csv"
"""Pattern of the names in a folder of shards."""


class CsvShards:
    """The open shards of one stage.

    Attributes:
        stage: 1 or 2.
        rows: Rows written so far; the next one has this number.
    """

    def __init__(self, stage: int, writers: list[Any], columns: tuple[str, ...]) -> None:
        self.stage, self.rows = stage, 0
        self._writers, self._columns = writers, columns

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row with all columns of the stage but `ID`, which is its number."""
        writer = self._writers[self.rows % len(self._writers)]
        writer.writerow([self.rows if n == "ID" else row[n] for n in self._columns])
        self.rows += 1


def shard_folder(stage: int) -> str:
    """Return the folder of the shards of a stage."""
    return f"stage{stage}/csv"


@contextmanager
def open_shards(
    create: CreateText, stage: int, *, count: int, more: Sequence[str]
) -> Iterator[CsvShards]:
    """Open the shards of a stage; they take their places, header included, at the end.

    Args:
        create: Opens a file of the export.
        stage: 1 or 2.
        count: Number of shards.
        more: Columns behind those of the stage: scores, what people said.
    """
    columns = (*(STAGE1_COLUMNS if stage == 1 else STAGE2_COLUMNS), *more)
    with ExitStack() as files:
        writers = []
        for number in range(count):
            path = f"{shard_folder(stage)}/shard-{number:05d}.csv"
            writers.append(csv.writer(files.enter_context(create(path))))
            writers[-1].writerow(columns)
        yield CsvShards(stage, writers, columns)
