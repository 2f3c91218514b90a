"""A workspace: everything a run leaves behind, under one folder or URL."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from clipmill.errors import UsageError
from clipmill.store.annotations import AnnotationTable
from clipmill.store.errors import CHECK, CorruptFileError, NoWorkspaceError
from clipmill.store.storage.base import Storage, checked
from clipmill.store.storage.local import LocalStorage
from clipmill.store.storage.lock import workspace_lock
from clipmill.store.tables import explained_reads, open_parquet, write_plain

MARKER = "workspace.json"
LAYOUT_VERSION = 2
"""1: rows by the path of their video. 2: rows by its content."""

COPIES = "backup"
"""Folder with copies of the small files that say what the last run was."""

DAMAGED = "damaged"
"""Folder for damaged files that were moved aside."""


def _storage_for(uri: str | Path) -> Storage:
    if isinstance(uri, Path) or "://" not in uri:
        return LocalStorage(Path(uri).expanduser())
    if uri.startswith(("file://", "local://")):
        return LocalStorage(Path(uri.partition("://")[2]))
    from clipmill.store.storage.remote import RemoteStorage  # and fsspec

    return RemoteStorage(uri)


class Workspace:
    """Reads and writes files by their path relative to the workspace.

    Every write is whole or absent: a killed run leaves temporary files at most, which no reader
    looks at. Nothing outside the workspace is touched. May be pickled and opened in other
    processes.

    Attributes:
        root: Absolute local path or URL.
        is_local: Whether it lies on a file system of this machine.
        damages: Damaged files that were met and looked past.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.damages: list[CorruptFileError] = []
        self.root = storage.root
        self.is_local = storage.is_local

    @classmethod
    def open(cls, uri: str | Path, *, create: bool = False, look: bool = False) -> "Workspace":
        """Open a workspace.

        Args:
            uri: Local path or fsspec URL, e.g. `s3://bucket/folder` or `memory://name`.
            create: Make it when there is none. An existing folder becomes a workspace; files
                that are in it already are left alone.
            look: Open it also when its marker is damaged, noted in `damages`.

        Raises:
            NoWorkspaceError: There is none and `create` is False.
            UsageError: It was written by a newer clipmill, or the URL's protocol needs a package
                that is missing.
            CorruptFileError: Its marker is damaged.
        """
        storage = _storage_for(uri)
        try:
            marker = storage.read(MARKER)
        except OSError as error:
            what = error.strerror or error
            raise UsageError(f"cannot open workspace {storage.root}: {what}") from error
        if marker is None:
            if not create:
                raise NoWorkspaceError(
                    f"no clipmill workspace at {storage.root} (there is no {MARKER} in it). "
                    "Check the path, or start one with `clipmill run` or `clipmill init`."
                )
            storage.write(MARKER, marker_bytes())
            return cls(storage)
        workspace = cls(storage)
        try:
            layout = layout_version(marker, storage.full(MARKER))
        except CorruptFileError as error:
            if not look:
                raise
            workspace.look_past(error)
            return workspace
        if layout != LAYOUT_VERSION:
            raise UsageError(_other_layout(storage.root, layout))
        return workspace

    @property
    def copies(self) -> "Workspace":
        """The copies of `back_up`, under the same paths."""
        return Workspace(_storage_for(f"{self.root}/{COPIES}"))

    def back_up(self, path: str) -> None:
        """Keep a copy of a file that is there, for when it is damaged."""
        data = self.read_bytes(path)
        if data is not None and self.copies.read_bytes(path) != data:
            self.copies.write_bytes(path, data)

    def look_past(self, damage: CorruptFileError) -> bool:
        """Note a damaged file and read on without it.

        Returns:
            Whether that is new: whoever read it may try again.
        """
        path = damage.path.removeprefix(self._storage.full(""))
        known = {noted.path for noted in self.damages}
        if damage.path in known:
            return False
        self.damages.append(damage)
        self._storage.ignored |= {path}
        return True

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

    def write_new(self, path: str, data: bytes) -> bool:
        """Write a small file unless there is one already; return whether it was written.

        Raises:
            StorageError: The storage refused.
            ValueError: The path leaves the workspace.
        """
        return self._storage.create_exclusively(path, data)

    def read_bytes(self, path: str) -> bytes | None:
        """Return a file's bytes; None when there is none."""
        return self._storage.read(path)

    def write_text(self, path: str, text: str) -> None:
        """Write a whole UTF-8 file, replacing an older one; see `write_bytes`."""
        self.write_bytes(path, text.encode())

    def read_text(self, path: str) -> str | None:
        """Return a UTF-8 file's text; None when there is none."""
        data = self.read_bytes(path)
        with explained_reads(self._storage.full(path), CHECK):
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
        try:
            with self.opened(path) as source, open_parquet(source) as file:
                return file.read(columns=columns)
        except FileNotFoundError:
            return None

    @contextmanager
    def opened(self, path: str) -> Iterator[Any]:
        """Open a file for reading, as pyarrow takes it.

        Raises:
            CorruptFileError: For damage that shows while the block reads.
            FileNotFoundError: There is no such file.
        """
        path = checked(path)
        with explained_reads(self._storage.full(path), CHECK):
            source: Any = self._storage.open(path)
            with source:
                yield source

    def names(self, folder: str) -> list[str]:
        """Return the sorted names in a folder of the workspace; [] when it is missing.

        Without files that were looked past.
        """
        return self._storage.visible(folder)

    def stamps(self, folder: str) -> dict[str, str]:
        """Return what changes when a file is written again, of all files in a folder, by name."""
        return self._storage.stamps(folder)

    def stamp(self, path: str) -> str:
        """Return what changes when a file is written again; empty when there is none."""
        return self._storage.stamp(path)

    def move(self, path: str, target: str) -> None:
        """Give a file another path in the workspace, replacing what is there.

        Raises:
            StorageError: The storage refused; the file is where it was.
        """
        self._storage.move(path, target)

    def remove(self, path: str) -> None:
        """Remove a file of the workspace that a newer one has superseded."""
        self._storage.remove(path)

    def local_path(self, path: str) -> Path | None:
        """Return where a file lies on this machine; None in a remote workspace."""
        return self._storage.local_path(path)

    def clean_temporaries(self) -> None:
        """Remove what killed runs left unfinished; call it under the lock."""
        self._storage.sweep()


def _other_layout(root: str, found: Any) -> str:
    text = (
        f"{root} was written by another version of clipmill (layout {found}, this one reads "
        f"{LAYOUT_VERSION}). "
    )
    if found == 1:
        text += (
            "Its rows are kept by the path of their video, so they may be of files that have been "
            "replaced since, and are not taken over. "
        )
    return text + "Run into a new workspace, or use the version that wrote it; it was not touched"


def marker_bytes() -> bytes:
    """Return the content of a workspace's marker."""
    return json.dumps({"clipmill_workspace": LAYOUT_VERSION}).encode() + b"\n"


def layout_version(marker: bytes, path: str) -> Any:
    """Return the layout that a marker names.

    Raises:
        CorruptFileError: It names none.
    """
    try:
        return json.loads(marker)["clipmill_workspace"]
    except (ValueError, KeyError, TypeError) as error:
        reason = "it is no marker of a workspace" if marker.strip() else "it is empty"
        raise CorruptFileError(path, reason, CHECK) from error
