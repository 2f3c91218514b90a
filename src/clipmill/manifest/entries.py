"""One line of an export's manifest: what became of a sample."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from clipmill.manifest.names import FileName, member_name


@dataclass(frozen=True)
class FileEntry:
    """One file of a piece, placed.

    Attributes:
        path: Relative to the export; in a shard, the name of the member.
        bytes: Size.
        sha256: Hex digits.
        shard: Path of the shard it is in; empty for a file of its own.
        colours: Those that a video copied from its source names; empty for other files.
    """

    path: str
    bytes: int
    sha256: str
    shard: str = ""
    colours: str = ""


@dataclass(frozen=True)
class PieceEntry:
    """One piece: its key, its index row, its files."""

    key: str
    row: Mapping[str, Any]
    files: tuple[FileEntry, ...]

    def find(self, name: FileName) -> FileEntry | None:
        """Return the file of a name, in its folder or in its shard; None when there is none."""
        member = member_name(self.key, name.extension)
        for file in self.files:
            if file.path == (member if file.shard else name.path):
                return file
        return None


@dataclass(frozen=True)
class SampleEntry:
    """What became of a sample.

    Attributes:
        sample_id: The sample.
        token: Hash of everything its files depend on; an equal token means equal files.
        pieces: Its pieces; empty when it was left out.
        left_out: Why it was left out, empty when it was not.
        kind: Kind of that reason: `left_out` for a rule, else as in failed rows (`decode`,
            `missing`, `changed`, `model`, `crash`).
    """

    sample_id: str
    token: str
    pieces: tuple[PieceEntry, ...] = ()
    left_out: str = ""
    kind: str = ""

    @property
    def is_final(self) -> bool:
        """Whether trying again with the same token gives the same: no error was met."""
        return not self.left_out or self.kind == "left_out"

    @property
    def num_bytes(self) -> int:
        """Size of all its files."""
        return sum(file.bytes for piece in self.pieces for file in piece.files)

    @property
    def shards(self) -> tuple[str, ...]:
        """Paths of the shards that its files are in, each once."""
        files = (file for piece in self.pieces for file in piece.files)
        return tuple(dict.fromkeys(file.shard for file in files if file.shard))

    def to_line(self) -> str:
        """Return the entry as one line of ASCII JSON, line end included."""
        return json.dumps(asdict(self), separators=(",", ":"), allow_nan=False) + "\n"

    @classmethod
    def from_line(cls, line: str) -> "SampleEntry":
        """Read `to_line` back.

        Raises:
            ValueError: Not such a line (cut off by a kill, say).
        """
        try:
            value = json.loads(line)
            return cls(**value | {"pieces": _pieces(value)})
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a manifest line: {error!r}") from error


def pieces_of_line(line: bytes) -> tuple[PieceEntry, ...]:
    """Read the pieces of a line and nothing else of it.

    Raises:
        ValueError: Not a line of a manifest.
    """
    try:
        return _pieces(json.loads(line))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a manifest line: {error!r}") from error


def _pieces(value: Mapping[str, Any]) -> tuple[PieceEntry, ...]:
    return tuple(
        PieceEntry(piece["key"], piece["row"], tuple(FileEntry(**file) for file in piece["files"]))
        for piece in value["pieces"]
    )
