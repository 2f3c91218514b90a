"""A folder tree, as most trainers read it."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, ClassVar

from clipmill.disk import create
from clipmill.disk.digest import read_through
from clipmill.export.containers.base import About, Container, ReadEntries
from clipmill.export.content.pieces import Made, Member
from clipmill.export.formats.base import Format
from clipmill.manifest.entries import FileEntry, PieceEntry, SampleEntry
from clipmill.manifest.marker import FOLDER


class FolderContainer(Container):
    """Every member is a file of its own; the format's indices lie beside them."""

    name: ClassVar[str] = FOLDER

    @classmethod
    def owned(cls, format_: type[Format]) -> dict[str, str]:
        """Return the format's own folders."""
        return dict(format_.owned)

    def add(self, made: Made) -> list[SampleEntry]:
        """Move the files of a sample into their places."""
        pieces = tuple(
            PieceEntry(
                piece.key,
                piece.row,
                tuple(self._place(member, piece.key, made) for member in piece.members),
            )
            for piece in made.pieces
        )
        return [SampleEntry(made.sample_id, made.token, pieces, made.left_out, made.kind)]

    def _place(self, member: Member, key: str, made: Made) -> FileEntry:
        file = member.file
        if member.outside:
            file = made.scratch / f"copy-{key}.{member.extension}"
            digest = _copy(member.file, file)
        else:
            digest = (made.hashes or {})[key, member.extension]
        size = file.stat().st_size
        self.folder.adopt(member.path, file)
        return FileEntry(member.path, size, digest, colours=member.colours)

    def is_there(self, entry: SampleEntry) -> bool:
        """Whether every file has its size."""
        return all(
            _size(self.folder.root / file.path) == file.bytes
            for piece in entry.pieces
            for file in piece.files
        )

    def write_indices(self, entries: ReadEntries, about: About) -> None:
        """Write the format's indices and the conventions."""

        def rows() -> Iterator[Mapping[str, Any]]:
            return (piece.row for entry in entries() for piece in entry.pieces)

        def create(path: str) -> AbstractContextManager[IO[str]]:
            return self.folder.create(path, "w")

        self.format.write_indices_at(self.folder.root.absolute(), rows, create)
        self.folder.write("CONVENTIONS.md", about.conventions.encode())


def _copy(source: Path, target: Path) -> str:
    """Copy a file; return its SHA-256."""
    with source.open("rb") as reading, create(target) as writing:
        return read_through(reading, writing)[1]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
