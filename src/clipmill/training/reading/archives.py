"""Files of an export inside its tar shards, read in place."""

import tarfile
from functools import lru_cache
from pathlib import Path

from clipmill.clips import TarMember
from clipmill.manifest.entries import FileEntry
from clipmill.store.errors import CorruptFileError
from clipmill.training.reading.files import REMEDY, ExportFiles, MissingFileError


class ShardFiles(ExportFiles):
    """Files that are members of tar archives.

    The headers of an archive are read once per process, when a first member of it is wanted;
    those of the last few archives are remembered.
    """

    def uri(self, file: FileEntry) -> str:
        """Return the URL of the member, which the video package reads in place."""
        return self._member(file).uri

    def read(self, file: FileEntry) -> bytes:
        """Return the bytes of a small member."""
        member = self._member(file)
        with Path(member.archive).open("rb") as archive:
            archive.seek(member.offset)
            return archive.read(member.size_bytes)

    def _member(self, file: FileEntry) -> TarMember:
        shard = self.root / file.shard
        try:
            facts = shard.stat()
            places = _members(str(shard), facts.st_size, facts.st_mtime_ns)
        except OSError as error:
            raise MissingFileError(f"{shard} cannot be read ({error}). {REMEDY}") from error
        except tarfile.TarError as error:
            raise CorruptFileError(str(shard), str(error), REMEDY) from error
        if file.path not in places:
            raise MissingFileError(f"{shard} has no member {file.path}. {REMEDY}")
        offset, size = places[file.path]
        self.check_size(file, size)
        return TarMember(str(shard), offset, size, file.path)


@lru_cache(maxsize=8)
def _members(shard: str, size: int, time: int) -> dict[str, tuple[int, int]]:
    """Return offset and size of every member; size and time are those of the archive."""
    with tarfile.open(shard, "r:") as archive:
        return {
            member.name: (member.offset_data, member.size) for member in archive if member.isreg()
        }
