"""Tar archives as WebDataset reads them: the same members give the same bytes."""

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path

from clipmill.errors import ClipError
from clipmill.video import VideoChangedError, VideoError, VideoMissingError

_END = bytes(2 * tarfile.BLOCKSIZE)
_CHUNK = 1 << 20
_HASHED = 1 << 18
"""Bytes hashed at once: few enough to stay in the caches."""


class ShardError(ClipError):
    """An archive that is not as it was written (kind `decode`)."""

    kind = "decode"


@dataclass(frozen=True)
class ShardMember:
    """A member as an archive has it: its name, its size in bytes, its SHA-256 in hex digits."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class WrittenMember:
    """A member just written; `sha256` waits for the hash of the bytes that were written."""

    name: str
    bytes: int
    sha256: Callable[[], str]


class ShardWriter:
    """Writes one archive, member after member.

    What has no hash yet is hashed beside the writing, from the archive itself: the hash is that
    of the bytes which lie in it, whatever happens to the source meanwhile.

    Args:
        file: The archive; overwritten.
        hashing: Where hashes are computed.
    """

    def __init__(self, file: Path, *, hashing: Executor) -> None:
        self.file = file
        self.size = 0
        """Bytes written so far, without the end of the archive."""
        self._hashing = hashing
        self._out = file.open("wb")
        # Kept open, because the archive is moved to its place while it is still hashed.
        self._written = file.open("rb", buffering=0)
        self._buffer = memoryview(bytearray(_CHUNK))

    def add_bytes(self, name: str, content: bytes) -> WrittenMember:
        """Add a member."""
        self._write(_header(name, len(content)))
        self._write(content)
        self._pad(len(content))
        digest = hashlib.sha256(content).hexdigest()
        return WrittenMember(name, len(content), lambda: digest)

    def add_file(self, name: str, source: Path, *, sha256: str = "") -> WrittenMember:
        """Add a file as a member.

        Args:
            name: Of the member.
            source: The file.
            sha256: Its hash, when it is known; computed when empty.

        Raises:
            VideoMissingError: It cannot be opened.
            VideoError: It cannot be read.
            VideoChangedError: It became shorter while it was read.
        """
        try:
            file = source.open("rb", buffering=0)
        except OSError as error:
            raise VideoMissingError(
                f"{source} cannot be opened: {error.strerror}; put it back and export again"
            ) from error
        with file:
            size = os.fstat(file.fileno()).st_size
            self._write(_header(name, size))
            start = self.size
            self._copy(file, size, source)
        self._pad(size)
        if sha256:
            return WrittenMember(name, size, lambda: sha256)
        self._out.flush()
        hashed = self._hashing.submit(partial(_sha256_of, self._written, start, size))
        return WrittenMember(name, size, hashed.result)

    def _copy(self, file: FileIO, left: int, source: Path) -> None:
        while left:
            try:
                count = file.readinto(self._buffer[: min(left, _CHUNK)])
            except OSError as error:
                raise VideoError(f"{source} cannot be read: {error.strerror}") from error
            if not count:
                raise VideoChangedError(f"{source} became shorter while copied; export again")
            self._write(self._buffer[:count])
            left -= count

    def cut_back(self, size: int) -> None:
        """Take back everything behind the first `size` bytes."""
        self._out.seek(size)
        self._out.truncate()
        self.size = size

    def finish(self) -> None:
        """Write the end of the archive; it may be moved then. `close` comes after the hashes."""
        self._out.write(_END)
        self._out.close()

    def close(self) -> None:
        """Let go of the file; an archive that is not finished stays without its end."""
        self._out.close()
        self._written.close()

    def _write(self, content: bytes | memoryview) -> None:
        self._out.write(content)
        self.size += len(content)

    def _pad(self, size: int) -> None:
        self._write(bytes(-size % tarfile.BLOCKSIZE))


def shard_size(members: Iterable[tuple[str, int]]) -> int:
    """Return the size of a finished archive with members of these names and sizes, in bytes."""
    blocks = (len(_header(name, size)) + size + -size % tarfile.BLOCKSIZE for name, size in members)
    return sum(blocks) + len(_END)


def read_members(shard: Path) -> Iterator[ShardMember]:
    """Read an archive to its end and yield its members in order, hashed.

    Raises:
        ShardError: It is no archive, it was cut off, or a header is damaged; everything before
            the damage was yielded.
        OSError: The file cannot be read.
    """
    try:
        with tarfile.open(shard, "r:") as archive:
            for info in archive:
                content = archive.extractfile(info)
                if content is None:
                    raise ShardError(f"{shard}: {info.name} is no file")
                with content:
                    digest = hashlib.file_digest(content, "sha256")  # type: ignore[arg-type]
                yield ShardMember(info.name, info.size, digest.hexdigest())
            end = archive.offset
    except tarfile.TarError as error:
        raise ShardError(f"{shard} cannot be read as a tar archive: {error}") from error
    # A damaged header looks like the end to tarfile.
    with shard.open("rb") as file:
        file.seek(end)
        if file.read(len(_END) + 1) != _END:
            raise ShardError(f"{shard} is damaged at byte {end}; export again")


def _header(name: str, size: int) -> bytes:
    """Return a header that depends on name and size alone; long names get a PAX record."""
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def _sha256_of(file: FileIO, place: int, left: int) -> str:
    digest = hashlib.sha256()
    while left:
        content = os.pread(file.fileno(), min(left, _HASHED), place)
        if not content:
            raise ShardError(f"{file.name!r} became shorter while it was hashed")
        digest.update(content)
        place += len(content)
        left -= len(content)
    return digest.hexdigest()
