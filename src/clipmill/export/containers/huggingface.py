"""A Hugging Face dataset folder: the folder tree, its rows as Parquet, and a card.

The library and the hub's viewer read it as a VideoFolder: `metadata.parquet` names a file in the
column `file_name`, which becomes the column `video` of type `Video`. Videos stay files, once, where
trainers find them.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow.parquet as pq

from clipmill.export.containers.base import About, ReadEntries
from clipmill.export.containers.card import make_card
from clipmill.export.containers.columns import TableColumns
from clipmill.export.containers.tree import FolderContainer
from clipmill.export.formats.base import Format
from clipmill.manifest.entries import PieceEntry
from clipmill.manifest.marker import HUGGINGFACE

METADATA = "metadata.parquet"
"""One of the three names that a VideoFolder has."""

VIDEO_COLUMN = "video"
"""What the library makes of `file_name`."""

_VIDEOS = "videos/**/*.mp4"
_EARLIER = {"data": r"train-\d{5}-of-\d{5}\.parquet"}
"""Where version 0.1 put the rows; what is left of them goes."""

_ROWS_PER_GROUP = 1_000


class HuggingFaceContainer(FolderContainer):
    """The folder tree with `metadata.parquet` and README.md for `datasets` and the hub.

    A row is that of the format's index, with `file_name` (the video of the piece), `key` and
    `files` (all files of the piece, relative to the folder). The format's own indices lie there
    too: a copy of the folder serves trainers.
    """

    name: ClassVar[str] = HUGGINGFACE

    @classmethod
    def owned(cls, format_: type[Format]) -> dict[str, str]:
        """Return the format's own folders and that of earlier Parquet files."""
        return _EARLIER | super().owned(format_)

    def write_indices(self, entries: ReadEntries, about: About) -> None:
        """Write the format's indices, the conventions, the Parquet file and the card."""
        super().write_indices(entries, about)
        columns = TableColumns.of(_rows(entries))
        with (
            self.folder.create(METADATA) as file,
            pq.ParquetWriter(file, columns.schema, compression="zstd") as writer,
        ):
            for table in columns.tables(_rows(entries)):
                writer.write_table(table, row_group_size=_ROWS_PER_GROUP)
        card = make_card(
            about, columns, format_name=self.format.name, data_files=(METADATA, _VIDEOS)
        )
        self.folder.write("README.md", card.encode())


def _rows(entries: ReadEntries) -> Iterator[dict[str, Any]]:
    return (_row(piece) for entry in entries() for piece in entry.pieces)


def _row(piece: PieceEntry) -> dict[str, Any]:
    files = [file.path for file in piece.files]
    # The video of a piece is its first member; a row's own column of that name gives way to it.
    video = next(path for path in files if path.endswith(".mp4"))
    own = {name: value for name, value in piece.row.items() if name != VIDEO_COLUMN}
    return {"file_name": video, "key": piece.key, **own, "files": files}
