"""WebDataset shards: POSIX tar archives of a wanted size, with an index as wids reads it."""

import json
import os
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar

from clipmill.export.containers.base import About, Container, ReadEntries
from clipmill.export.containers.shard import ShardWriter, WrittenMember, read_members, shard_size
from clipmill.export.content.pieces import Made, Piece
from clipmill.export.formats.base import Format
from clipmill.manifest.entries import FileEntry, PieceEntry, SampleEntry
from clipmill.manifest.folder import ExportFolder
from clipmill.manifest.marker import WEBDATASET
from clipmill.manifest.names import member_name
from clipmill.video import VideoError

__all__ = ["INDEX", "WebDatasetContainer", "read_members"]

INDEX = "shards.json"

_KEY = re.compile(r"[A-Za-z0-9_-]+")
_FINISHING = 1
"""Shards that may be brought to disk while the next one is written."""
_CONVENTIONS = """
## Shards
- `shards/*.tar` are POSIX tar archives; the files of one piece follow each other and are called
  KEY.EXTENSION, KEY up to the first dot. Pieces stand in the order of the workspace, all pieces
  of a sample in one shard. `{index}` lists the shards with their samples and bytes.
- `KEY.json` is the piece's row, the line that the format's index has for it in a folder export
  (`KEY.row.json` where the format has a `KEY.json` of its own). Files that the row names by
  their path are named by their member there; `__members__` pairs each extension with the path
  that the file has in a folder export, for paths inside the format's own JSON files.
"""


@dataclass
class _OpenShard:
    """A shard that is being written, with the samples in it: (outcome, pieces)."""

    path: str
    writer: ShardWriter
    samples: list[tuple[Made, list[tuple[Piece, list[WrittenMember]]]]] = field(
        default_factory=list
    )


class WebDatasetContainer(Container):
    """Pieces as samples of tar shards.

    A shard is closed when it has reached its size. It is brought to disk while the next one is
    written; its entries come when it lies there.
    """

    name: ClassVar[str] = WEBDATASET
    has_indices: ClassVar[bool] = False
    whole_shards: ClassVar[bool] = True

    def __init__(self, folder: ExportFolder, format_: Format, *, shard_bytes: int) -> None:
        super().__init__(folder, format_, shard_bytes=shard_bytes)
        self._number = 0
        self._open: _OpenShard | None = None
        self._finishing: deque[Future[list[SampleEntry]]] = deque()
        cores = os.cpu_count() or 1
        self._hashing = ThreadPoolExecutor(max(1, min(4, cores - 1)), "hash")
        self._syncing = ThreadPoolExecutor(1, "sync")

    @classmethod
    def owned(cls, format_: type[Format]) -> dict[str, str]:
        """Return the pattern of the shards."""
        return {"shards": rf"{re.escape(format_.name)}-\d{{6,}}\.tar"}

    def shard_path(self, number: int) -> str:
        """Return the path of a shard, counted from 0."""
        return f"shards/{self.format.name}-{number:06d}.tar"

    def add(self, made: Made) -> list[SampleEntry]:
        """Write the files of a sample into the open shard."""
        if not made.pieces:
            entry = SampleEntry(made.sample_id, made.token, (), made.left_out, made.kind)
            return [entry, *self._done(_FINISHING)]
        shard = self._open = self._open or self._begin()
        before = shard.writer.size
        try:
            written = [(piece, _write(shard.writer, piece, made)) for piece in made.pieces]
        except VideoError as error:
            # A source that went away while it was copied costs its sample, not the shard.
            shard.writer.cut_back(before)
            entry = SampleEntry(made.sample_id, made.token, (), str(error), error.kind)
            return [entry, *self._done(_FINISHING)]
        shard.samples.append((made, written))
        if shard.writer.size >= self.shard_bytes:
            self._finish()
        return self._done(_FINISHING)

    def keep(self, entry: SampleEntry) -> None:
        """Number new shards behind that of the entry."""
        self._number = max([self._number, *(_number(path) + 1 for path in entry.shards)])

    def is_there(self, entry: SampleEntry) -> bool:
        """Whether the shard of a sample is there; `is_whole_shard` looks at its size."""
        return all((self.folder.root / path).is_file() for path in entry.shards)

    def is_whole_shard(self, number: int, entries: Sequence[SampleEntry], *, last: bool) -> bool:
        """Whether a shard holds the files of these entries and nothing else, by its size."""
        place = self.folder.root / self.shard_path(number)
        if not place.is_file() or {path for e in entries for path in e.shards} != {
            self.shard_path(number)
        }:
            return False
        files = [file for entry in entries for piece in entry.pieces for file in piece.files]
        empty = shard_size(())
        size = shard_size((file.path, file.bytes) for file in files)
        full = size - empty >= self.shard_bytes
        return place.stat().st_size == size and (full or last)

    def flush(self) -> list[SampleEntry]:
        """Close the last shard and wait until all are on disk."""
        if self._open is not None and self._open.samples:
            self._finish()
        return self._done(0)

    def close(self) -> None:
        """Let go of the open shard and wait for what runs beside."""
        self._syncing.shutdown()
        self._hashing.shutdown(cancel_futures=True)
        if self._open is not None:
            self._open.writer.close()
            self._open = None

    def write_indices(self, entries: ReadEntries, about: About) -> None:
        """Write the index of the shards and the conventions."""
        rows = ((path, piece) for e in entries() for piece in e.pieces for path in e.shards)
        shards = [
            {
                "url": path,
                "nsamples": sum(1 for _ in group),
                "filesize": (self.folder.root / path).stat().st_size,
            }
            for path, group in groupby(rows, key=lambda pair: pair[0])
        ]
        index = {
            "__kind__": "wids-shard-index-v1",
            "wids_version": 1,
            "name": about.title,
            "shardlist": shards,
        }
        self.folder.write(INDEX, json.dumps(index, indent=1).encode() + b"\n")
        text = about.conventions.rstrip("\n") + "\n" + _CONVENTIONS.format(index=INDEX)
        self.folder.write("CONVENTIONS.md", text.encode())

    def _begin(self) -> _OpenShard:
        path = self.shard_path(self._number)
        file = self.folder.unfinished / path.rpartition("/")[2]
        self._number += 1
        return _OpenShard(path, ShardWriter(file, hashing=self._hashing))

    def _finish(self) -> None:
        """End the open shard and have it brought to disk."""
        shard, self._open = self._open, None
        assert shard is not None
        shard.writer.finish()
        self._finishing.append(self._syncing.submit(self._place, shard))

    def _place(self, shard: _OpenShard) -> list[SampleEntry]:
        self.folder.adopt(shard.path, shard.writer.file)
        entries = [
            SampleEntry(
                made.sample_id,
                made.token,
                tuple(
                    PieceEntry(piece.key, piece.row, _entries_of(piece, members, shard.path))
                    for piece, members in written
                ),
            )
            for made, written in shard.samples
        ]
        shard.writer.close()
        return entries

    def _done(self, waiting: int) -> list[SampleEntry]:
        """Return the entries of shards on disk; wait until at most `waiting` are not."""
        entries: list[SampleEntry] = []
        while self._finishing and (len(self._finishing) > waiting or self._finishing[0].done()):
            entries += self._finishing.popleft().result()
        return entries


def _write(writer: ShardWriter, piece: Piece, made: Made) -> list[WrittenMember]:
    """Write the members of a piece and its row."""
    if not _KEY.fullmatch(piece.key):
        raise ValueError(f"the key '{piece.key}' has other characters than A-Z a-z 0-9 _ -")
    names = {member.path: member_name(piece.key, member.extension) for member in piece.members}
    hashes = made.hashes or {}
    written = [
        writer.add_file(
            names[member.path],
            member.file,
            sha256="" if member.outside else hashes[piece.key, member.extension],
        )
        for member in piece.members
    ]
    taken = any(member.extension == "json" for member in piece.members)
    row = _renamed(dict(piece.row), names)
    row["__members__"] = [
        {"extension": member.extension, "path": member.path} for member in piece.members
    ]
    content = json.dumps(row, allow_nan=False, separators=(",", ":")).encode()
    name = member_name(piece.key, "row.json" if taken else "json")
    return [*written, writer.add_bytes(name, content)]


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a row in which files are named by their members instead of their paths."""
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, Mapping):
        return {key: _renamed(entry, names) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(entry, names) for entry in value]
    return value


def _entries_of(
    piece: Piece, members: Iterable[WrittenMember], shard: str
) -> tuple[FileEntry, ...]:
    colours = {member_name(piece.key, member.extension): member.colours for member in piece.members}
    return tuple(
        FileEntry(m.name, m.bytes, m.sha256(), shard, colours.get(m.name, "")) for m in members
    )


def _number(path: str) -> int:
    return int(path.removesuffix(".tar").rpartition("-")[2])
