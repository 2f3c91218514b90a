"""Byte ranges as files: members of tar archives and URLs, read in place and never short."""

import io
import tarfile
from typing import IO, Any, TypeAlias

import fsspec
from fsspec.spec import AbstractFileSystem

from clipmill.clips import TAR_MEMBER, TarMember
from clipmill.video.errors import VideoChangedError, VideoMissingError, name_of

_BLOCK = tarfile.BLOCKSIZE

_Bytes: TypeAlias = IO[bytes] | io.RawIOBase


class RangeFile(io.RawIOBase):
    """A part of an open file as a seekable file of its own.

    A read that brings fewer bytes than the range has left raises, since libav would take it for
    the end of the video.

    Args:
        file: Open for reading bytes and seekable; closed together with this one.
        offset: First byte of the range.
        size_bytes: Length of the range.
        name: Shown in errors.
    """

    def __init__(self, file: _Bytes, offset: int, size_bytes: int, name: str) -> None:
        super().__init__()
        self._file, self._offset, self._size, self._name = file, offset, size_bytes, name
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte, counted from the start of the range."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the place of the next byte; raises ValueError before the start."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"cannot seek to byte {start + offset}")
        self._at = start + offset
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """Return `size` bytes, or what is left; raises OSError when they cannot be read."""
        left = max(0, self._size - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        data = _read_at(self._file, self._offset + self._at, wanted)
        if len(data) < wanted:
            raise OSError(f"it ends at byte {self._at + len(data)} of {self._size}")
        self._at += wanted
        return data

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer as far as there are bytes left; return how many were written."""
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file below."""
        self._file.close()
        super().close()


def _read_at(file: _Bytes, offset: int, size: int) -> bytes:
    """Read bytes, with errors of remote file systems, which follow no rule, as OSError."""
    if not size:
        return b""
    try:
        file.seek(offset)
        parts = []
        while size and (part := file.read(size)):
            parts.append(part)
            size -= len(part)
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
    return b"".join(parts)


def open_url(url: str) -> RangeFile:
    """Open a URL of fsspec, the whole of it.

    Raises:
        VideoMissingError: There is no file system for it, or its server gives no byte ranges.
        OSError: As the file system says.
    """
    try:
        file = fsspec.open(url, "rb").open()
    except (ImportError, ValueError) as error:
        raise VideoMissingError(f"{name_of(url)} cannot be opened: {error}") from error
    try:
        size = file.seek(0, io.SEEK_END)
    except (TypeError, ValueError, io.UnsupportedOperation) as error:
        file.close()
        raise VideoMissingError(
            f"{name_of(url)} cannot be read: its server gives no byte ranges or no size; "
            "download it and read it from a folder"
        ) from error
    return RangeFile(file, 0, size, url)


def open_member(member: TarMember) -> RangeFile:
    """Open a member of a tar archive, once its header was seen to be where it was.

    Raises:
        VideoChangedError: Another file is at its place in the archive.
        VideoMissingError: There is no file system for the archive.
        OSError: As the system says, e.g. when the archive is gone.
    """
    archive = member.archive
    file: _Bytes = open_url(archive) if "://" in archive else open(archive, "rb", buffering=0)  # noqa: PTH123, SIM115
    try:
        header = _read_at(file, member.offset - _BLOCK, _BLOCK)
        if not _is_header_of(header, member):
            raise VideoChangedError(
                f"{name_of(member.uri)}: the archive was written again since it was listed; "
                "list the source again"
            )
    except BaseException:
        file.close()
        raise
    return RangeFile(file, member.offset, member.size_bytes, member.uri)


def _is_header_of(header: bytes, member: TarMember) -> bool:
    try:
        found = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    # Longer names and larger sizes are in a block of their own before this header.
    same_name = len(member.name) > 100 or not member.name.isascii() or found.name == member.name
    return same_name and (found.size == member.size_bytes or member.size_bytes >= 8 << 30)


class TarMemberFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """Members of tar archives for fsspec: what it opens is what `TarMember.uri` names."""

    protocol = TAR_MEMBER.removesuffix("://")

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path if path.startswith(TAR_MEMBER) else f"{TAR_MEMBER}{path}"

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return name and size; the archive is not looked at."""
        uri = self._strip_protocol(path)
        return {"name": uri, "size": TarMember.parse(uri).size_bytes, "type": "file"}

    def _open(self, path: str, mode: str = "rb", **_: Any) -> RangeFile:
        if mode != "rb":
            raise NotImplementedError("members of a tar archive can only be read")
        return open_member(TarMember.parse(self._strip_protocol(path)))


fsspec.register_implementation(TarMemberFileSystem.protocol, TarMemberFileSystem, clobber=True)
