"""Archives on a server: their directories, and their members written to files."""

import lzma
import shutil
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from clipmill.disk import create, write_bytes
from clipmill.disk.faults import FULL
from clipmill.download.archives.remote import HubRangeFile
from clipmill.download.archives.repository import Archive
from clipmill.download.errors import DatasetError, DiskFullError, FolderError
from clipmill.download.journal import Got, Journal
from clipmill.download.names import second_name
from clipmill.download.plan import Problem, ZipMember
from clipmill.net.hub import Hub

_BLOCK = 1 << 20
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    ValueError,
)


class Stopped(Exception):
    """The download was interrupted or another job failed."""


class Unpacker:
    """Reads archives of one repository; its methods may run in several threads.

    Args:
        folder: Where the videos go.
        state: Folder for directories and unfinished files.
        journal: Where finished videos are noted.
        hub: Where the archives are.
        note: Called with a line worth telling.
        on_bytes: Called with the number of bytes of each block of archives that arrives; negative
            when an archive that is fetched whole begins again.

    Attributes:
        stop: Set to make all methods raise `Stopped` soon.
    """

    def __init__(
        self,
        *,
        folder: Path,
        state: Path,
        journal: Journal,
        hub: Hub,
        note: Callable[[str], None],
        on_bytes: Callable[[int], None],
        stop: threading.Event,
    ) -> None:
        self.folder, self.journal, self.stop = folder, journal, stop
        self.state = state
        self.partial = state / "partial"
        self.directories = state / "directories"
        for path in (self.folder, self.partial, self.directories):
            path.mkdir(parents=True, exist_ok=True)
        for left_over in self.partial.iterdir():
            left_over.unlink()
        self._hub, self._note, self._on_bytes = hub, note, on_bytes

    def directory(self, archive: Archive) -> tuple[Sequence[zipfile.ZipInfo], int]:
        """Return the entries of an archive and where its directory begins.

        Raises:
            DatasetError: It is no zip archive.
            DownloadError: The server refused, or kept failing.
            NoRangesError: It serves no byte ranges, and the directory is not known yet.
        """
        remote = self._open(archive)
        try:
            with remote, zipfile.ZipFile(remote) as opened:
                entries, start = opened.infolist(), opened.start_dir
            self._remember(archive, remote.tail)
        except _BROKEN as error:
            raise DatasetError(f"it is no zip archive: {error}") from error
        return entries, start

    def fetch(self, archive: Archive, runs: Sequence[Sequence[ZipMember]]) -> list[Problem]:
        """Fetch runs of members that lie side by side; return those that are damaged.

        Raises:
            DownloadError: The server refused, or kept failing.
            NoRangesError: It serves no byte ranges.
            OSError: The disk is full or fails.
            Stopped: Somebody set `stop`.
        """
        problems = []
        remote = self._remote(archive, on_bytes=self._arrived)
        with remote, zipfile.ZipFile(remote) as opened:
            entries = opened.infolist()
            for run in runs:
                remote.set_window(run[0].start, run[-1].end)
                for member in run:
                    if reason := self._try_twice(opened, remote, entries[member.index], member):
                        problems.append(Problem(member.part, member.member, reason))
                        remote.set_window(member.end, run[-1].end)
        return problems

    def has(self, member: ZipMember) -> bool:
        """Tell whether a member is written and noted."""
        got = self.journal.by_name.get(member.name)
        return got is not None and (got.part, got.member) == (member.part, member.member)

    def _try_twice(
        self,
        opened: zipfile.ZipFile,
        remote: HubRangeFile,
        entry: zipfile.ZipInfo,
        member: ZipMember,
    ) -> str:
        """Fetch one member, once more if it was damaged on the way; return what is wrong."""
        if not self._write(opened, entry, member):
            return ""
        end = remote.window_end
        remote.set_window(member.start, end)
        reason = self._write(opened, entry, member)
        return f"damaged: {reason}" if reason else ""

    def _write(self, opened: zipfile.ZipFile, entry: zipfile.ZipInfo, member: ZipMember) -> str:
        """Write one member; return what is wrong with it, if anything."""
        name = member.name
        if (self.folder / name).exists() and name not in self.journal.by_name:
            # Somebody else's file, or one that differs by upper and lower case only.
            name = second_name(name, member.crc)
        try:
            # The library compares the CRC when the last byte is read.
            with (
                create(self.folder / name, within=self.partial) as file,
                opened.open(entry) as source,
            ):
                shutil.copyfileobj(source, file, _BLOCK)
                if file.tell() != member.size:
                    raise EOFError(f"{file.tell():,} of {member.size:,} bytes")
        except _BROKEN as error:
            return str(error)
        if name != member.name:
            self._note(f"{member.name} is there already: kept as {name}")
        self.journal.add(Got(name, member.part, member.member, member.size, member.crc))
        return ""

    def _arrived(self, count: int) -> None:
        if self.stop.is_set():
            raise Stopped
        self._on_bytes(count)

    def knows(self, archive: Archive) -> bool:
        """Tell whether an archive's directory is known without asking its server."""
        return self._directory_file(archive).exists()

    def _open(self, archive: Archive) -> HubRangeFile:
        return self._remote(archive)

    def _remote(
        self, archive: Archive, *, on_bytes: Callable[[int], None] | None = None
    ) -> HubRangeFile:
        return HubRangeFile(
            archive.pieces, hub=self._hub, tail=self._tail(archive), on_bytes=on_bytes
        )

    def _tail(self, archive: Archive) -> bytes:
        known = self._directory_file(archive)
        return known.read_bytes() if known.exists() else b""

    def _directory_file(self, archive: Archive) -> Path:
        mark = f"{zlib.crc32(archive.identity.encode()):08x}"
        return self.directories / f"part{archive.part}-{mark}"

    def _remember(self, archive: Archive, tail: bytes) -> None:
        path = self._directory_file(archive)
        if path.exists() and path.stat().st_size == len(tail):
            return
        write_bytes(path, tail)


def disk_error(error: OSError, folder: Path) -> FolderError | DiskFullError:
    """Return what to tell about a file that could not be written."""
    if error.errno in FULL:
        free = shutil.disk_usage(folder).free
        return DiskFullError(
            f"--to: the disk of {folder} is full ({free / 1e9:,.2f} GB free). Every finished video "
            "is kept; make room, or move the folder to a larger disk, and run the same command "
            "again: it goes on from there"
        )
    return FolderError(
        f"--to: {folder} cannot be written: {error.strerror or error}; name another folder"
    )
