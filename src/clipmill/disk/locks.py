"""Locks between processes of one machine: a file that is held, free again however they die.

Own code over flock, where `filelock` was tried: the holder writes who it is into the file it holds,
and who is refused is told by it, but the library hides the open file, and releases before 4 empty
it. Where a file system has no locks, callers must know; a soft lock would outlive a killed process.
"""

import errno
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from clipmill.disk.atomic import make_folder


class HeldError(Exception):
    """Somebody else holds the lock.

    Attributes:
        content: What the holder wrote into the lock file.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        super().__init__(f"{path} is held by another process")
        self.content = content


class LocksUnsupportedError(OSError):
    """The file system has no locks (some network file systems)."""


@contextmanager
def hold(
    path: Path, *, wait: bool = False, on_wait: Callable[[], None] | None = None
) -> Iterator[IO[bytes]]:
    """Hold the lock of a file while the block runs.

    The file stays afterwards: removing it would let two processes lock two files of one name.

    Args:
        path: The lock file; made, with its folder, when it is missing.
        wait: Whether to wait for another holder.
        on_wait: Called once before waiting.

    Yields:
        The open lock file, for notes of the holder.

    Raises:
        HeldError: Another holder, in this process or another, and `wait` is False.
        LocksUnsupportedError: The file system has no locks.
        OSError: The file cannot be made.
    """
    make_folder(path.parent)
    with path.open("a+b") as file:
        if not _lock(file, path, fcntl.LOCK_NB):
            if not wait:
                file.seek(0)
                raise HeldError(path, file.read())
            if on_wait is not None:
                on_wait()
            _lock(file, path, 0)
        yield file


def _lock(file: IO[bytes], path: Path, flags: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | flags)
    except BlockingIOError:
        return False
    except OSError as error:
        code = error.errno or errno.ENOLCK
        raise LocksUnsupportedError(code, "the file system has no locks", str(path)) from error
    return True
