"""Storage on a file system of this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from clipmill import disk
from clipmill.clips import stamp_of_file
from clipmill.disk.atomic import is_temporary, make_folder, naming
from clipmill.store.storage.base import Storage, checked, explained_writes


class LocalStorage(Storage):
    """Files in a folder. Writes go to a temporary name, are flushed, then renamed."""

    is_local = True

    def __init__(self, root: Path) -> None:
        # absolute, not resolved: messages should show the path as the user knows it
        self._root = root.absolute()
        self.root = str(self._root)

    @contextmanager
    def create(self, path: str) -> Iterator[IO[bytes]]:
        """See `Storage.create`."""
        target = self._root / checked(path)
        with explained_writes(str(target)), disk.create(target) as file:
            yield file

    def create_exclusively(self, path: str, data: bytes) -> bool:
        """See `Storage.create_exclusively`."""
        target = self._root / checked(path)
        with explained_writes(str(target)):
            make_folder(target.parent)
            try:
                with target.open("xb") as file:
                    file.write(data)
            except FileExistsError:
                return False
        return True

    def open(self, path: str) -> Any:
        """See `Storage.open`."""
        return pa.OSFile(str(self._root / checked(path)))

    def read(self, path: str) -> bytes | None:
        """See `Storage.read`."""
        place = self._root / checked(path)
        try:
            with naming(place):
                return place.read_bytes()
        except FileNotFoundError:
            return None

    def names(self, folder: str) -> list[str]:
        """See `Storage.names`."""
        try:
            return sorted(os.listdir(self._root / checked(folder)))  # noqa: PTH208 (3x faster)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def stamps(self, folder: str) -> dict[str, str]:
        """See `Storage.stamps`."""
        try:
            with os.scandir(self._root / checked(folder)) as entries:
                return {e.name: _stamp(e.stat()) for e in entries if e.is_file()}
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def times(self, folder: str) -> dict[str, float]:
        """See `Storage.times`."""
        try:
            with os.scandir(self._root / checked(folder)) as entries:
                return {e.name: e.stat().st_mtime for e in entries if e.is_file()}
        except (FileNotFoundError, NotADirectoryError):
            return {}

    def stamp(self, path: str) -> str:
        """See `Storage.stamp`."""
        try:
            return _stamp((self._root / checked(path)).stat())
        except (FileNotFoundError, NotADirectoryError):
            return ""

    def remove(self, path: str) -> None:
        """See `Storage.remove`."""
        target = self._root / checked(path)
        with explained_writes(str(target)):
            target.unlink(missing_ok=True)

    def move(self, path: str, target: str) -> None:
        """See `Storage.move`."""
        place = self._root / checked(target)
        with explained_writes(str(place)):
            make_folder(place.parent)
            (self._root / checked(path)).replace(place)

    def sweep(self) -> None:
        """See `Storage.sweep`; symbolic links are not followed."""
        for folder, _, files in os.walk(self._root, followlinks=False):
            for name in filter(is_temporary, files):
                with explained_writes(str(Path(folder, name))):
                    Path(folder, name).unlink(missing_ok=True)

    def local_path(self, path: str) -> Path:
        """See `Storage.local_path`."""
        return self._root / checked(path)


def _stamp(found: os.stat_result) -> str:
    return f"{found.st_size:x}.{found.st_ino:x}.{stamp_of_file(found)}"
