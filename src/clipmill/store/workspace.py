"""A workspace: everything a run leaves behind, under one folder or URL."""

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa

from clipmill.errors import UsageError
from clipmill.store.annotations import AnnotationTable
from clipmill.store.local import LocalStorage
from clipmill.store.lock import workspace_lock
from clipmill.store.remote import RemoteStorage
from clipmill.store.storage import Storage, checked
from clipmill.store.tables import explained_reads, open_parquet, write_plain

MARKER = "workspace.json"
LAYOUT_VERSION = 1
_REMEDY = "If it is damaged, delete it and run again."


def _storage_for(uri: str | Path) -> Storage:
    if isinstance(uri, Path) or "://" not in uri:
        return LocalStorage(Path(uri).expanduser())
    if uri.startswith(("file://", "local://")):
        return LocalStorage(Path(uri.partition("://")[2]))
    return RemoteStorage(uri)


class Workspace:
    """Reads and writes files by their path relative to the workspace.

    Every write is whole or absent: a killed run leaves temporary files at most, which no reader
    looks at. Nothing outside the workspace is touched. May be pickled and opened in other
    processes.

    Attributes:
        root: Absolute local path or URL.
        is_local: Whether it lies on a file system of this machine.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.root = storage.root
        self.is_local = storage.is_local

    @classmethod
    def open(cls, uri: str | Path, *, create: bool = False) -> "Workspace":
        """Open a workspace.

        Args:
            uri: Local path or fsspec URL, e.g. `s3://bucket/folder` or `memory://name`.
            create: Make it when there is none. An existing folder becomes a workspace; files
                that are in it already are left alone.

        Raises:
            UsageError: There is none and `create` is False, or it was written by a newer
                clipmill, or the URL's protocol needs a package that is missing.
        """
        storage = _storage_for(uri)
        try:
            marker = storage.read(MARKER)
        except OSError as error:
            raise UsageError(f"cannot open workspace {storage.root}: {error}") from error
        if marker is None:
            if not create:
                raise UsageError(
                    f"no clipmill workspace at {storage.root} (there is no {MARKER} in it). "
                    "Check the path, or start one with `clipmill run` or `clipmill init`."
                )
            text = json.dumps({"clipmill_workspace": LAYOUT_VERSION})
            storage.write(MARKER, text.encode() + b"\n")
        elif _layout_version(marker) != LAYOUT_VERSION:
            raise UsageError(
                f"{storage.root} was written by another version of clipmill "
                f"(layout {_layout_version(marker)}, this one reads {LAYOUT_VERSION})"
            )
        return cls(storage)

    def lock(self) -> AbstractContextManager[None]:
        """Keep other runs out while the block runs.

        Raises:
            WorkspaceLockedError: Another run is in; names its process, host and start.
        """
        return workspace_lock(self._storage)

    def annotation(
        self, name: str, fingerprint: str, record_type: type, *, key: str = "clip_id"
    ) -> AnnotationTable:
        """Return the table of an annotation; nothing is written until its first `append`."""
        path = f"annotations/{name}/{fingerprint}"
        return AnnotationTable(self._storage, path, record_type, key=key)

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write a whole file, replacing an older one.

        Raises:
            StorageError: The storage refused, e.g. the disk is full.
            ValueError: The path leaves the workspace.
        """
        self._storage.write(path, data)

    def read_bytes(self, path: str) -> bytes | None:
        """Return a file's bytes; None when there is none."""
        return self._storage.read(path)

    def write_text(self, path: str, text: str) -> None:
        """Write a whole UTF-8 file, replacing an older one; see `write_bytes`."""
        self.write_bytes(path, text.encode())

    def read_text(self, path: str) -> str | None:
        """Return a UTF-8 file's text; None when there is none."""
        data = self.read_bytes(path)
        with explained_reads(self._storage.full(path), _REMEDY):
            return None if data is None else data.decode()

    def write_table(self, path: str, table: pa.Table, *, rows_per_group: int | None = None) -> None:
        """Write a Parquet file (zstd), replacing an older one; equal rows give equal bytes.

        Args:
            path: Relative to the workspace.
            table: The rows.
            rows_per_group: Rows that a reader of one row has to read; few for wide rows.
        """
        with self._storage.create(path) as file:
            if rows_per_group is None:
                write_plain(file, table)
            else:
                write_plain(file, table, rows_per_group=rows_per_group)

    def read_table(self, path: str, *, columns: list[str] | None = None) -> pa.Table | None:
        """Return a Parquet file's rows; None when there is none.

        Raises:
            CorruptFileError: The file is damaged.
        """
        path = checked(path)
        try:
            with explained_reads(self._storage.full(path), _REMEDY):
                source: Any = self._storage.open(path)
                with source, open_parquet(source) as file:
                    return file.read(columns=columns)
        except FileNotFoundError:
            return None

    def names(self, folder: str) -> list[str]:
        """Return the sorted names in a folder of the workspace; [] when it is missing."""
        return self._storage.names(folder)

    def remove(self, path: str) -> None:
        """Remove a file of the workspace that a newer one has superseded."""
        self._storage.remove(path)

    def local_path(self, path: str) -> Path | None:
        """Return where a file lies on this machine; None in a remote workspace."""
        return self._storage.local_path(path)

    def clean_temporaries(self) -> None:
        """Remove what killed runs left unfinished; call it under the lock."""
        self._storage.sweep()


def _layout_version(marker: bytes) -> Any:
    try:
        return json.loads(marker)["clipmill_workspace"]
    except (ValueError, KeyError, TypeError):
        return "unknown"
