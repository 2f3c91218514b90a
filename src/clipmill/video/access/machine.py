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
"""Bytes that must be free: more than a decoder takes at once."""

_BLOCK = 1 << 20
_STATUS = Path("/proc/self/status")


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
    is absurd or more bytes are promised than there are; and "invalid data" where there was no
    memory. So the machine is asked.
    """
    if memory_is_short():
        return "memory"
    kind = machine_kind(error)
    if kind == "memory":
        return ""
    if kind == "disk":
        path = local_file(uri)
        return kind if path is None or not _is_readable(path) else ""
    return kind


def memory_is_short() -> bool:
    """Tell whether this process is near a limit of its memory, or has been.

    Decoders that get no memory give no frame, a damaged one, or "invalid data". What they say
    counts only where there was memory enough.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and _largest_size() + _ENOUGH > limit:
        return True
    try:
        mmap.mmap(-1, _ENOUGH).close()
    except (OSError, MemoryError):
        return True
    return False


def _largest_size() -> int:
    """Return the largest size, in bytes, that the address space of this process has had."""
    if not _STATUS.exists():
        return 0
    lines = _STATUS.read_text().splitlines()
    sizes = [int(line.split()[1]) for line in lines if line.startswith("VmPeak:")]
    return 1024 * max(sizes, default=0)


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
