"""The archives of OpenVid in its repository: one zip each, or the pieces of one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from clipmill.download.errors import DatasetError
from clipmill.download.hub import DatasetHub, Listing, Piece

_ARCHIVE = re.compile(r"(?:.*/)?OpenVid_part(?P<part>\d+)(?:\.zip|_part(?P<piece>[a-z]{2}))")


@dataclass(frozen=True)
class Archive:
    """One zip archive of the dataset.

    Attributes:
        part: Its number.
        pieces: Its files, in order.
        commit: Commit of the dataset.
    """

    part: int
    pieces: tuple[Piece, ...]
    commit: str = ""

    @property
    def identity(self) -> str:
        """A mark that changes with the content."""
        return "+".join(f"{piece.digest or self.commit}:{piece.size}" for piece in self.pieces)

    @property
    def size(self) -> int:
        """Size in bytes."""
        return sum(piece.size for piece in self.pieces)


def archive_names(names: Iterable[str]) -> dict[int, list[str]]:
    """Return the files of every part: one zip, or its pieces in order where there is none."""
    whole: dict[int, list[str]] = {}
    split: dict[int, list[str]] = {}
    for name in sorted(names, key=lambda name: (name.count("/"), name)):
        if match := _ARCHIVE.fullmatch(name):
            if match["piece"]:
                split.setdefault(int(match["part"]), []).append(name)
            else:
                whole.setdefault(int(match["part"]), [name])
    return dict(sorted((split | whole).items()))


def missing_piece(names: list[str]) -> str:
    """Return the first piece that a split archive lacks before its last one; empty if none."""
    for number, name in enumerate(names):
        letters = f"_part{chr(97 + number // 26)}{chr(97 + number % 26)}"
        if not name.endswith((".zip", letters)):
            return letters
    return ""


def find_archive(hub: DatasetHub, listing: Listing, part: int, names: list[str]) -> Archive:
    """Return an archive with size and checksum of every piece.

    Raises:
        DownloadError: The hub refuses, kept failing, or does not tell a size.
        DatasetError: A piece is not there.
    """
    if letters := missing_piece(names):
        raise DatasetError(f"its piece {letters} is not in the repository")
    return Archive(part, tuple(hub.piece(listing, name) for name in names), listing.commit)
