"""Storage behind an fsspec URL: object stores, memory, and whatever else fsspec speaks."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import fsspec

from clipmill.clips import stamp_of_entry
from clipmill.disk.atomic import is_temporary, temporary_name
from clipmill.errors import UsageError
from clipmill.store.storage.base import Storage, checked, explained_writes

_WHOLE_OBJECTS = {"memory", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oci", "oss"}
"""Protocols where an upload is visible only when it is complete. Elsewhere (sftp, smb, ...)
an upload goes to a temporary name and is renamed."""

_ONE_REQUEST_BYTES = 32 << 20


class RemoteStorage(Storage):
    """Files below an fsspec URL."""

    is_local = False

    def __init__(self, url: str) -> None:
        self.root = url.rstrip("/")
        try:
            self._fs, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise UsageError(f"cannot open workspace {url}: {error}") from error
        self._base = path.rstrip("/")
        protocol = self._fs.protocol
        names = {protocol} if isinstance(protocol, str) else set(protocol)
        self._whole_objects = bool(names & _WHOLE_OBJECTS)

    def _at(self, path: str) -> str:
        return f"{self._base}/{checked(path)}"

    def _make_folder(self, folder: str) -> None:
        # object stores have no folders; "making" one there would make a mistyped bucket
        if not self._whole_objects:
            self._fs.makedirs(folder, exist_ok=True)

    @contextmanager
    def create(self, path: str) -> Iterator[IO[bytes]]:
        """See `Storage.create`; the file is built on the local disk and then uploaded."""
        target = self._at(path)
        with tempfile.NamedTemporaryFile(prefix="clipmill-upload-") as file:
            yield file  # type: ignore[misc]
            file.flush()
            with explained_writes(self.full(path)):
                self._upload(Path(file.name), target)

    def _upload(self, file: Path, target: str) -> None:
        folder, _, name = target.rpartition("/")
        self._make_folder(folder)
        upload = target if self._whole_objects else f"{folder}/{temporary_name(name)}"
        if file.stat().st_size <= _ONE_REQUEST_BYTES:
            self._fs.pipe_file(upload, file.read_bytes())
        else:
            self._fs.put_file(str(file), upload)
        if upload != target:
            with suppress(FileNotFoundError):
                self._fs.rm_file(target)  # sftp and smb do not rename onto a file
            self._fs.mv(upload, target)

    def create_exclusively(self, path: str, data: bytes) -> bool:
        """See `Storage.create_exclusively`; not atomic where the store cannot do it."""
        target = self._at(path)
        with explained_writes(self.full(path)):
            self._make_folder(target.rpartition("/")[0])
            try:
                self._fs.pipe_file(target, data, mode="create")
            except FileExistsError:
                return False
            except (NotImplementedError, TypeError):
                if self._fs.exists(target):
                    return False
                self._fs.pipe_file(target, data)
        return True

    def open(self, path: str) -> Any:
        """See `Storage.open`."""
        return self._fs.open(self._at(path), "rb")

    def read(self, path: str) -> bytes | None:
        """See `Storage.read`."""
        try:
            return bytes(self._fs.cat_file(self._at(path)))
        except FileNotFoundError:
            return None

    def names(self, folder: str) -> list[str]:
        """See `Storage.names`."""
        self._fs.invalidate_cache()
        try:
            entries = self._fs.ls(self._at(folder), detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(entry.rstrip("/").rpartition("/")[2] for entry in entries)

    def stamps(self, folder: str) -> dict[str, str]:
        """See `Storage.stamps`."""
        return {name: _stamp(entry) for name, entry in self._entries(folder)}

    def times(self, folder: str) -> dict[str, float]:
        """See `Storage.times`."""
        found = {name: _time(entry) for name, entry in self._entries(folder)}
        return {name: at for name, at in found.items() if at is not None}

    def _entries(self, folder: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        self._fs.invalidate_cache()
        try:
            entries = self._fs.ls(self._at(folder), detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            if entry["type"] == "file":
                yield entry["name"].rstrip("/").rpartition("/")[2], entry

    def stamp(self, path: str) -> str:
        """See `Storage.stamp`."""
        self._fs.invalidate_cache()
        try:
            return _stamp(self._fs.info(self._at(path)))
        except FileNotFoundError:
            return ""

    def remove(self, path: str) -> None:
        """See `Storage.remove`."""
        with suppress(FileNotFoundError):
            self._fs.rm_file(self._at(path))

    def move(self, path: str, target: str) -> None:
        """See `Storage.move`."""
        with explained_writes(self.full(target)):
            self._make_folder(self._at(target).rpartition("/")[0])
            with suppress(FileNotFoundError):
                self._fs.rm_file(self._at(target))
            self._fs.mv(self._at(path), self._at(target))

    def sweep(self) -> None:
        """See `Storage.sweep`."""
        if self._whole_objects:
            return  # an upload that was cut off never became visible
        for entry in self._fs.find(self._base):
            if is_temporary(entry.rpartition("/")[2]):
                self._fs.rm_file(entry)

    def local_path(self, path: str) -> Path | None:
        """See `Storage.local_path`."""
        checked(path)
        return None


_TIMES = ("LastModified", "last_modified", "updated", "mtime", "modified", "created")
"""Under which names file systems of fsspec tell when a file was written."""


def _time(info: Mapping[str, Any]) -> float | None:
    told = next((info[name] for name in _TIMES if info.get(name)), None)
    try:
        told = datetime.fromisoformat(told) if isinstance(told, str) else told
        if isinstance(told, datetime):
            return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
        return None if told is None else float(told)
    except (TypeError, ValueError):
        return None


def _stamp(info: Mapping[str, Any]) -> str:
    return f"{info.get('size')}.{stamp_of_entry(info)}"
