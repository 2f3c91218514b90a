"""Files under one root: whole or absent, never half-written.

Everything above works with relative paths and bytes, so a workspace is the same on a disk and
in an object store. Nothing here can leave the root.
"""

import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

from clipmill.store.errors import StorageError

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{16}\.clipmill-tmp")


def temporary_name(name: str) -> str:
    """Return a name for the unfinished form of file `name`, in the same folder."""
    return f".{name}.{secrets.token_hex(8)}.clipmill-tmp"


def is_temporary(name: str) -> bool:
    """Tell whether a file name is one of `temporary_name`."""
    return _TEMPORARY.fullmatch(name) is not None


def checked(path: str) -> str:
    """Return a relative path as it is; raises ValueError when it could leave the root."""
    parts = path.split("/")
    if not path or "\\" in path or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"not a path inside the workspace: {path!r}")
    return path


@contextmanager
def explained_writes(target: str) -> Iterator[None]:
    """Turn an OSError of the block into a StorageError that names the file and the remedy."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {target}: {error.strerror or error}. Nothing that was committed is "
            "lost; make room (or fix the storage) and run again."
        ) from error


class Storage(ABC):
    """Files under a root; paths are relative, with `/` as separator.

    Attributes:
        root: Absolute local path or URL, for messages and for opening it again.
        is_local: Whether the files lie on a file system of this machine.
    """

    root: str
    is_local: bool

    def full(self, path: str) -> str:
        """Return the path with the root in front, for messages."""
        return f"{self.root.rstrip('/')}/{path}"

    @abstractmethod
    def create(self, path: str) -> AbstractContextManager[IO[bytes]]:
        """Open a new file for writing, in order, once.

        The file appears, whole and durable, when the block ends; nothing is left behind when
        the block raises. An older file of the name is replaced.

        Raises:
            StorageError: The storage refused, e.g. the disk is full.
        """

    def write(self, path: str, data: bytes) -> None:
        """Write a whole file; see `create`."""
        with self.create(path) as file:
            file.write(data)

    @abstractmethod
    def create_exclusively(self, path: str, data: bytes) -> bool:
        """Write a small file unless there is one already; return whether it was written."""

    @abstractmethod
    def open(self, path: str) -> Any:
        """Open a file for reading, seekable, as pyarrow takes it.

        Raises:
            FileNotFoundError: There is no such file.
        """

    @abstractmethod
    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file; None when there is none."""

    @abstractmethod
    def names(self, folder: str) -> list[str]:
        """Return the sorted names of files and folders in a folder; [] when it is missing."""

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file; no error when it is gone already."""

    @abstractmethod
    def sweep(self) -> None:
        """Remove what killed runs left unfinished, and nothing else."""

    def local_path(self, path: str) -> Path | None:
        """Return the file's path on this machine; None for remote storage."""
        return None
