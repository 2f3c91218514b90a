"""Files that are whole or absent: written under another name, flushed, then renamed.

A process that is killed leaves temporary files at most, which `is_temporary` knows by their name.
Own code: the standard library has no such thing, and transactions of fsspec neither flush nor name
the file that did not fit.
"""

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}\.clipmill-tmp")
_LONGEST_NAME = 200
"""Bytes of a file's name in its temporary one: file systems end at 255."""


def temporary_name(name: str) -> str:
    """Return a name for the unfinished form of file `name`, in the same folder."""
    short = os.fsdecode(os.fsencode(name)[:_LONGEST_NAME])
    return f".{short}.{secrets.token_hex(8)}.clipmill-tmp"


def is_temporary(name: str) -> bool:
    """Tell whether a file name is one of `temporary_name`."""
    return _TEMPORARY.fullmatch(name) is not None


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, each of them there after a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent, os.O_DIRECTORY)


@contextmanager
def replacing(path: Path, *, within: Path | None = None) -> Iterator[Path]:
    """Give a temporary path; what the block wrote there is at `path` afterwards, whole and durable.

    Args:
        path: The file; an older one is replaced. Its folder is made when it is missing.
        within: Folder of the same file system for the temporary file; that of `path` when None.

    Raises:
        OSError: The disk refused, with the file's name in it; nothing is left behind and an older
            file is as it was.
    """
    temporary = (within or path.parent) / temporary_name(path.name)
    try:
        with naming(path):
            make_folder(path.parent)
            yield temporary
            _sync(temporary)
            temporary.replace(path)
            _sync(path.parent, os.O_DIRECTORY)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


@contextmanager
def create(path: Path, mode: str = "wb", *, within: Path | None = None) -> Iterator[IO[Any]]:
    """Open a new file for writing; it appears under its name when the block ends.

    Args:
        path: See `replacing`.
        mode: `wb`, or `w` for UTF-8 text whose line ends are kept.
        within: See `replacing`.

    Raises:
        OSError: See `replacing`.
    """
    text: dict[str, str] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    with (
        replacing(path, within=within) as temporary,
        temporary.open(mode.replace("w", "x"), **text) as file,  # type: ignore[call-overload]
    ):
        yield file


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file, replacing an older one; see `replacing`."""
    with create(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 file, line ends kept, replacing an older one; see `replacing`."""
    write_bytes(path, text.encode())


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name into an OSError of the block that has none: a full disk names nothing."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise


def _sync(path: Path, flags: int = 0) -> None:
    """Flush a file, or the names in a folder, where the file system can."""
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
