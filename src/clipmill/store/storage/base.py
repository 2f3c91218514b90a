"""Files under one root: whole or absent, never half-written.

Everything above works with relative paths and bytes, so a workspace is the same on a disk and
in an object store. Nothing here can leave the root.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

from clipmill.disk.faults import system_remedy
from clipmill.errors import UsageError
from clipmill.store.errors import StorageError


class OutsidePathError(UsageError, ValueError):
    """A path that could leave the workspace."""


def checked(path: str) -> str:
    """Return a relative path as it is; raises OutsidePathError when it could leave the root."""
    parts = path.split("/")
    if not path or "\\" in path or "\0" in path or any(p in ("", ".", "..") for p in parts):
        raise OutsidePathError(f"not a path inside the workspace: {path!r}; use plain names")
    return path


@contextmanager
def explained_writes(target: str) -> Iterator[None]:
    """Turn an OSError of the block into a StorageError that names the file and the remedy."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {target}: {error.strerror or error}. Nothing that was committed is "
            f"lost; {system_remedy(error) or 'repair the storage and run the same command again'}."
        ) from error


class Storage(ABC):
    """Files under a root; paths are relative, with `/` as separator.

    Attributes:
        root: Absolute local path or URL, for messages and for opening it again.
        is_local: Whether the files lie on a file system of this machine.
        ignored: Paths of damaged files, to be looked past by `visible`.
    """

    root: str
    is_local: bool
    ignored: frozenset[str] = frozenset()

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
    def stamps(self, folder: str) -> dict[str, str]:
        """Return what changes when a file is written again, of all files in a folder, by name."""

    @abstractmethod
    def times(self, folder: str) -> dict[str, float]:
        """Return when the files in a folder were written, by name: seconds since 1970, UTC.

        Without those of which the storage does not tell it.
        """

    @abstractmethod
    def stamp(self, path: str) -> str:
        """Return what changes when a file is written again; empty when there is none."""

    def visible(self, folder: str) -> list[str]:
        """Return `names` without those that are to be ignored."""
        names = self.names(folder)
        if not self.ignored:
            return names
        return [name for name in names if f"{folder}/{name}" not in self.ignored]

    @abstractmethod
    def remove(self, path: str) -> None:
        """Remove a file; no error when it is gone already."""

    @abstractmethod
    def move(self, path: str, target: str) -> None:
        """Give a file another name inside the root, replacing what has it.

        Raises:
            StorageError: The storage refused; the file is where it was.
        """

    @abstractmethod
    def sweep(self) -> None:
        """Remove what killed runs left unfinished, and nothing else."""

    def local_path(self, path: str) -> Path | None:
        """Return the file's path on this machine; None for remote storage."""
        return None
