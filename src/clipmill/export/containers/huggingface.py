"""A Hugging Face dataset folder: the folder tree, its rows as Parquet, and a card."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar

import pyarrow.parquet as pq

from clipmill.export.containers.base import About, ReadEntries
from clipmill.export.containers.card import make_card
from clipmill.export.containers.columns import Columns
from clipmill.export.containers.tree import FolderContainer
from clipmill.export.formats.base import Format

ROWS_PER_FILE = 100_000

_DATA = "data"
_PATTERN = r"train-\d{5}-of-\d{5}\.parquet"
_ROWS_PER_GROUP = 1_000


class HuggingFaceContainer(FolderContainer):
    """The folder tree with `data/train-*.parquet` and README.md for `datasets` and the hub.

    A row is that of the format's index, with `key` and `files` (all files of the piece, relative
    to the folder). The format's own indices lie there too: a copy of the folder serves trainers.
    """

    name: ClassVar[str] = "huggingface"

    @classmethod
    def owned(cls, format_: type[Format]) -> dict[str, str]:
        """Return the format's own folders and that of the Parquet files."""
        owned = super().owned(format_)
        patterns = [_PATTERN, *([owned[_DATA]] if _DATA in owned else [])]
        return owned | {_DATA: "|".join(f"(?:{pattern})" for pattern in patterns)}

    def write_indices(self, entries: ReadEntries, about: About) -> None:
        """Write the format's indices, the conventions, the Parquet files and the card."""
        super().write_indices(entries, about)
        columns = Columns.of(_rows(entries))
        rows = _rows(entries)
        number = max(1, -(-about.num_pieces // ROWS_PER_FILE))
        for place in range(number):
            part = islice(rows, ROWS_PER_FILE)
            self._write_rows(f"{_DATA}/train-{place:05d}-of-{number:05d}.parquet", part, columns)
        card = make_card(
            about,
            columns,
            format_name=self.format.name,
            data_files=f"{_DATA}/train-*.parquet",
        )
        self.folder.write("README.md", card.encode())

    def _write_rows(self, path: str, rows: Iterator[dict[str, Any]], columns: Columns) -> None:
        with (
            self.folder.create(path) as file,
            pq.ParquetWriter(file, columns.schema, compression="zstd") as writer,
        ):
            for table in columns.tables(rows):
                writer.write_table(table, row_group_size=_ROWS_PER_GROUP)


def _rows(entries: ReadEntries) -> Iterator[dict[str, Any]]:
    for entry in entries():
        for piece in entry.pieces:
            files = [file.path for file in piece.files]
            yield {"key": piece.key, **piece.row, "files": files}
