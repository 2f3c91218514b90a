"""Walking through tar archives, local or behind a URL: what is where, and what is damaged."""

import io
import tarfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from clipmill.clips import stamp_of_entry, stamp_of_file
from clipmill.errors import UsageError

COMPRESSED_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")
"""Archives that are compressed as a whole, so that nothing in them can be read in place."""

_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_REMOTE_BLOCK = 1 << 16
"""Bytes to ask of a server at once: headers lie far apart."""


@dataclass(frozen=True, slots=True)
class TarEntry:
    """One file of an archive, or something wrong with it.

    Attributes:
        name: Path as written in the archive; empty when the problem is the archive's.
        offset: First byte of its content, or of the damage.
        size_bytes: Size of its content.
        problem: Why it cannot be read; empty when it can.
    """

    name: str
    offset: int
    size_bytes: int = 0
    problem: str = ""


@contextmanager
def open_tar(path: str) -> Iterator[IO[bytes]]:
    """Open an archive, local or behind a URL, and see that it is no compressed one.

    Raises:
        UsageError: It does not exist, may not be read, or is compressed.
    """
    if path.lower().endswith(COMPRESSED_SUFFIXES):
        raise _compressed(path)
    try:
        file = _open(path)
    except (OSError, ImportError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "it does not exist"
        raise UsageError(f"the archive {path} cannot be read: {reason}") from error
    with file:
        head = file.read(8)
        if any(head.startswith(magic) for magic in _MAGIC):
            raise _compressed(path)
        file.seek(0)
        yield file


def archive_stamp(path: str) -> str:
    """Return what changes when an archive is replaced; empty when that cannot be told.

    Members share it: an archive that was written again is read again, member by member.
    """
    try:
        if "://" not in path:
            return stamp_of_file(Path(path).stat())
        import fsspec

        filesystem, inner = fsspec.core.url_to_fs(path)
        return stamp_of_entry(filesystem.info(inner))
    except (OSError, ImportError, ValueError):
        return ""  # opening it says what is wrong


def _open(path: str) -> IO[bytes]:
    if "://" not in path:
        return Path(path).open("rb")
    import fsspec

    filesystem, inner = fsspec.core.url_to_fs(path)
    file: IO[bytes] = filesystem.open(inner, "rb", block_size=_REMOTE_BLOCK)
    return file


def _compressed(path: str) -> UsageError:
    return UsageError(
        f"the archive {path} is compressed, so its videos cannot be read in place; "
        "decompress it (`gunzip`, `unxz`, `unzstd`): videos hardly get smaller by it anyway"
    )


def tar_entries(file: IO[bytes]) -> Iterator[TarEntry]:
    """Yield the files of an archive in order; folders are passed over.

    Reading ends at damage, which is the last entry then. Archives that were joined end to end
    are read to the end of the last one.
    """
    size = file.seek(0, io.SEEK_END)
    start: int | None = 0
    while start is not None:
        file.seek(start)
        end = yield from _one_archive(file, size)
        start = None if end is None else _next_archive(file, end)


def _one_archive(file: IO[bytes], size: int) -> Generator[TarEntry, None, int | None]:
    """Yield the files up to the end mark; return the place of the mark, None for damage."""
    at = file.tell()
    cut = False
    try:
        tar = tarfile.TarFile(fileobj=file, encoding="utf-8", errors="surrogateescape")
        while (info := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # it would keep them all
            at = tar.offset
            if info.isdir():
                continue
            cut = info.offset_data + info.size > size
            problem = "the archive ends inside it" if cut else ""
            if not info.isreg() or info.sparse is not None:
                problem = "is a link, a sparse file or a device in the archive, not a plain file"
            yield TarEntry(info.name, info.offset_data, info.size, problem)
        at = tar.offset
    except (tarfile.TarError, OSError) as error:
        if not cut:
            yield TarEntry("", at, problem=_damage(at, str(error)))
        return None
    file.seek(at)
    block = file.read(tarfile.BLOCKSIZE)
    if not block.strip(b"\0") and len(block) == tarfile.BLOCKSIZE:
        return at
    if block:
        yield TarEntry("", at, problem=_damage(at, "no valid header"))
    elif not cut:
        problem = "the archive has no end mark; it may have been cut off between two files"
        yield TarEntry("", at, problem=problem)
    return None


def _damage(at: int, reason: str) -> str:
    return f"the archive is damaged at byte {at} ({reason}); files after it cannot be read"


def _next_archive(file: IO[bytes], at: int) -> int | None:
    """Return where zero blocks end, None when that is the end of the file."""
    file.seek(at)
    while block := file.read(tarfile.BLOCKSIZE):
        if block.strip(b"\0"):
            return at
        at += len(block)
    return None
