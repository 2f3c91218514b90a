"""Archives that had to be fetched whole, from their arrival until they are emptied and gone."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from clipmill.disk import write_text
from clipmill.download.archives.remote import HubRangeFile, LocalFile
from clipmill.download.archives.repository import Archive
from clipmill.download.archives.whole import fetch_pieces, partial_of
from clipmill.download.plan import Problem, ZipMember
from clipmill.download.unpack import Stopped, Unpacker


class WholeUnpacker(Unpacker):
    """An unpacker that can do without byte ranges; all else is as with `Unpacker`."""

    def fetch_whole(self, archive: Archive) -> None:
        """Fetch an archive whole, unless it is here already.

        Raises:
            ChecksumError: It is not the published one.
            DownloadError: The server refused, or kept failing.
            OSError: The disk is full or fails.
            Stopped: Somebody set `stop`.
        """
        path = self._file(archive)
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            fetch_pieces(archive.pieces, path, hub=self._hub, on_bytes=self._arrived)

    def unpack_whole(self, archive: Archive, members: Sequence[ZipMember]) -> list[Problem]:
        """Unpack an archive that was fetched whole, and remove it; return damaged members.

        From the end to the start: a member's room is freed before the one in front is unpacked.

        Raises:
            OSError: The disk is full or fails.
            Stopped: Somebody set `stop`.
        """
        problems = []
        with self._local(archive) as local, zipfile.ZipFile(local) as opened:
            entries = opened.infolist()
            for member in sorted(members, key=lambda m: (m.start, m.index), reverse=True):
                if self.stop.is_set():
                    raise Stopped
                local.give_up(member.end)
                if reason := self._write(opened, entries[member.index], member):
                    problems.append(Problem(member.part, member.member, f"damaged: {reason}"))
                    self._remember_damaged(archive, member)
        self._file(archive).unlink()
        return problems

    def damaged(self, archive: Archive) -> frozenset[str]:
        """Return members that were found damaged in the published archive itself."""
        path = self._damaged_file(archive)
        return frozenset(json.loads(path.read_text("utf-8"))) if path.exists() else frozenset()

    def kept(self, archive: Archive) -> int:
        """Return how many bytes of an archive that was fetched whole are still here."""
        path = self._file(archive)
        return path.stat().st_size if path.exists() else 0

    def begun(self, archive: Archive) -> int:
        """Return how many bytes of an archive were fetched whole before it was interrupted."""
        path = partial_of(self._file(archive))
        return path.stat().st_size if path.exists() else 0

    def discard(self, archive: Archive) -> None:
        """Remove an archive that was fetched whole."""
        self._file(archive).unlink(missing_ok=True)

    def knows(self, archive: Archive) -> bool:
        """Tell whether an archive's directory is known without asking its server."""
        return super().knows(archive) or self._file(archive).exists()

    def _open(self, archive: Archive) -> HubRangeFile:
        return self._local(archive) if self._file(archive).exists() else super()._open(archive)

    def _local(self, archive: Archive) -> LocalFile:
        tail = self._tail(archive)
        return LocalFile(self._file(archive), archive.pieces, hub=self._hub, tail=tail)

    def _file(self, archive: Archive) -> Path:
        return self.state / "archives" / self._directory_file(archive).name

    def _damaged_file(self, archive: Archive) -> Path:
        return self._directory_file(archive).with_suffix(".damaged")

    def _remember_damaged(self, archive: Archive, member: ZipMember) -> None:
        if all(piece.digest for piece in archive.pieces):
            path = self._damaged_file(archive)
            names = sorted({*self.damaged(archive), member.member})
            write_text(path, json.dumps(names))
