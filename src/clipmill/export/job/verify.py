"""Reads everything an export wrote once more: bytes, counts, and that each file opens."""

import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from clipmill.disk.digest import read_through
from clipmill.errors import UsageError
from clipmill.export.job.unreadable import why_unreadable
from clipmill.manifest.entries import FileEntry, PieceEntry, SampleEntry
from clipmill.manifest.journal import MANIFEST
from clipmill.manifest.marker import MARKER, ListedFile, read_marker

OnProgress = Callable[[int], None]


@dataclass(frozen=True)
class FileProblem:
    """A file that is not as it was written: its path in the export, and what is wrong."""

    path: str
    what: str


@dataclass(frozen=True)
class Verified:
    """The outcome of a verification.

    Attributes:
        out: The export.
        samples: Samples looked at.
        files: Files looked at, members of shards counted one by one.
        num_bytes: Their size.
        problems: What is wrong; empty when all is well.
    """

    out: Path
    samples: int
    files: int
    num_bytes: int
    problems: tuple[FileProblem, ...]

    def __str__(self) -> str:
        """A few lines for people."""
        state = f"{len(self.problems)} problems" if self.problems else "all as written"
        head = (
            f"{self.out}: {self.samples} samples, {self.files} files, "
            f"{self.num_bytes / 1e6:.1f} MB read again: {state}"
        )
        return "\n".join([head, *(f"{item.path}: {item.what}" for item in self.problems)])


def verify_export(out: Path, *, on_progress: OnProgress | None = None) -> Verified:
    """Read every file of an export again.

    Sizes and SHA-256 are compared with the manifest, videos are decoded and their frames
    counted, arrays, images and JSON files are opened.

    Args:
        out: The export.
        on_progress: Called with the number of samples done.

    Raises:
        UsageError: `out` is no export, or its marker cannot be read.
    """
    try:
        marker = read_marker(out)
    except FileNotFoundError:
        raise UsageError(f"{out} is no export: there is no {MARKER} in it") from None
    check = _Check(out)
    if not marker.complete:
        check.problem(MARKER, "the export was not finished; run it again")
    for path, listed in sorted(marker.files.items()):
        check.listed(path, listed)
    samples = 0
    if (out / MANIFEST).is_file():
        for entry in _entries(out / MANIFEST, check):
            check.entry(entry)
            samples += not entry.left_out
            if on_progress is not None:
                on_progress(samples)
    check.shards()
    return Verified(out, samples, check.files, check.num_bytes, tuple(check.problems))


def _entries(manifest: Path, check: "_Check") -> Iterator[SampleEntry]:
    with manifest.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            try:
                yield SampleEntry.from_line(line)
            except ValueError:
                check.problem(MANIFEST, f"line {number} cannot be read")


class _Check:
    """Collects problems."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.problems: list[FileProblem] = []
        self.files = self.num_bytes = 0
        self._sharded: dict[str, dict[str, tuple[FileEntry, PieceEntry]]] = {}

    def problem(self, path: str, what: str) -> None:
        self.problems.append(FileProblem(path, what))

    def listed(self, path: str, written: ListedFile) -> None:
        """Check a file of the marker: an index, a link, a copy."""
        place = self.out / path
        if not place.is_file():
            self.problem(path, "missing")
            return
        with place.open("rb") as file:
            size, digest = read_through(file)
        self.files += 1
        self.num_bytes += size
        if size != written.bytes:
            self.problem(path, f"{size} bytes, {written.bytes} were written")
        elif written.sha256 not in ("", digest):
            self.problem(path, "its SHA-256 is another")

    def entry(self, entry: SampleEntry) -> None:
        """Check the files of a sample; members of shards are kept for later."""
        for piece in entry.pieces:
            for file in piece.files:
                if file.shard:
                    self._sharded.setdefault(file.shard, {})[file.path] = file, piece
                    continue
                place = self.out / file.path
                if not place.is_file():
                    self.problem(file.path, "missing")
                    continue
                with place.open("rb") as opened:
                    as_written = self._bytes(file, opened)
                if as_written:
                    self._content(file, piece, place)

    def _bytes(self, file: FileEntry, opened: IO[bytes]) -> bool:
        """Whether a file has the bytes that were written."""
        size, digest = read_through(opened)
        self.files += 1
        self.num_bytes += size
        if size != file.bytes:
            self.problem(file.shard or file.path, f"{size} bytes, {file.bytes} were written")
            return False
        if digest != file.sha256:
            self.problem(file.path, "its SHA-256 is another")
            return False
        return True

    def _content(self, file: FileEntry, piece: PieceEntry, place: Path) -> None:
        why = why_unreadable(place, name=file.path, num_frames=piece.row.get("num_frames"))
        if why:
            self.problem(file.path, why)

    def shards(self) -> None:
        """Read the shards, each once, member by member."""
        for shard, members in sorted(self._sharded.items()):
            try:
                self._shard(self.out / shard, dict(members))
            except (OSError, tarfile.TarError) as error:
                self.problem(shard, f"cannot be read: {error}")

    def _shard(self, place: Path, members: dict[str, tuple[FileEntry, PieceEntry]]) -> None:
        with tarfile.open(place, "r:") as archive, tempfile.TemporaryDirectory() as folder:
            for info in archive:
                found = members.pop(info.name, None)
                stream = archive.extractfile(info)
                if found is None or stream is None:
                    self.problem(f"{place.name}/{info.name}", "not in the manifest")
                    continue
                copy = Path(folder, f"member{Path(info.name).suffix}")
                with copy.open("w+b") as file:
                    shutil.copyfileobj(stream, file)
                    file.seek(0)
                    as_written = self._bytes(found[0], file)
                if as_written:
                    self._content(*found, copy)
        for name in members:
            self.problem(f"{place.name}/{name}", "missing")
