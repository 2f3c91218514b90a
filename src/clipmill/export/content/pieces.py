"""What becomes of a sample: pieces, each a few files and one row."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Member:
    """One file of a piece.

    Attributes:
        extension: Unique in the piece, `mp4` or `mask.mp4`; with the key in front it is the
            member's name in a WebDataset shard.
        path: Where it lies in a folder, relative to the export, `/` as separator.
        file: The finished file.
        outside: Whether it is not a file of the export (a source video): it is copied, and never
            moved or changed.
        colours: Of such a video, in one line, as it names them.
    """

    extension: str
    path: str
    file: Path
    outside: bool = False
    colours: str = ""


@dataclass(frozen=True)
class Piece:
    """What becomes of a sample, or of one region of one object of it.

    Attributes:
        key: Unique in the export, letters, digits, dash and underscore: the name of its files.
        members: Its files.
        row: JSON values for the indices; small: arrays belong into members. Files are named by
            the `path` of their member.
    """

    key: str
    members: tuple[Member, ...]
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Made:
    """The outcome of a task.

    Attributes:
        sample_id: The sample.
        token: That of the task.
        scratch: Where the files are, to be removed when they are placed.
        pieces: The pieces.
        hashes: SHA-256 of each member's file, by key and extension.
        left_out: Why there are none.
        kind: Kind of the reason.
    """

    sample_id: str
    token: str
    scratch: Path
    pieces: tuple[Piece, ...] = ()
    hashes: dict[tuple[str, str], str] | None = None
    left_out: str = ""
    kind: str = ""
