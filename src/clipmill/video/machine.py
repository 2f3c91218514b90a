"""Whether an error of reading is the file's, or the machine's at that moment."""

import mmap
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import av.error

from clipmill.clips import TAR_MEMBER, TarMember
from clipmill.failures import machine_kind

_ENOUGH = 512 << 20
"""Bytes that can be had: then it was no lack of memory that libav complained of."""

_BLOCK = 1 << 20


@contextmanager
def damage_passed_over(uri: str) -> Iterator[None]:
    """End the block at an error of libav that tells of damaged bytes; let others through."""
    try:
        yield
    except av.error.FFmpegError as error:
        if blamed_on_machine(error, uri):
            raise


def blamed_on_machine(error: av.error.FFmpegError, uri: str) -> str:
    """Return which failure of the machine an error of libav tells of; empty for damaged bytes.

    libav says "no memory" and "input/output error" of damaged files as well, where a size in them
    is absurd or more bytes are promised than there are. So the machine is asked.
    """
    kind = machine_kind(error)
    if kind == "memory":
        return kind if memory_is_short() else ""
    if kind == "disk":
        path = local_file(uri)
        return kind if path is None or not _is_readable(path) else ""
    return kind


def memory_is_short() -> bool:
    """Tell whether this process is near a limit of its memory."""
    limits = (resource.RLIMIT_AS, resource.RLIMIT_DATA)
    if any(resource.getrlimit(limit)[0] != resource.RLIM_INFINITY for limit in limits):
        return True
    try:
        mmap.mmap(-1, _ENOUGH).close()
    except (OSError, MemoryError):
        return True
    return False


def _is_readable(path: Path) -> bool:
    """Tell whether the system gives all bytes of a file."""
    try:
        with path.open("rb") as file:
            while file.read(_BLOCK):
                pass
    except OSError:
        return False
    return True


def local_path(uri: str) -> Path | None:
    """Return the path behind a local path or `file://` URL, None for other URLs."""
    if uri.startswith("file://"):
        return Path(unquote(urlsplit(uri).path))
    return None if "://" in uri else Path(uri)


def local_file(uri: str) -> Path | None:
    """Return the local file behind a URI, or the archive it is in; None behind a URL."""
    return local_path(TarMember.parse(uri).archive if uri.startswith(TAR_MEMBER) else uri)


def is_cut_off(uri: str) -> bool:
    """Tell whether the folder of a missing file is gone too, or empty, as where a disk was."""
    path = local_file(uri)
    if path is None:
        return False
    try:
        return not any(path.parent.iterdir())
    except OSError:
        return True
