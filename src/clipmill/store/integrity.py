"""Reads every file of a workspace once, to find those that are damaged."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clipmill.store.errors import CHECK, CorruptFileError
from clipmill.store.tables import explained_reads, open_parquet
from clipmill.store.workspace import DAMAGED, MARKER, Workspace, layout_version

_FOLDERS = ("annotations/*/*", "selections/*", "samples/*", "walk", "decided", "dates/*")
"""Where a workspace keeps tables."""

FileCheck = Callable[[Workspace, str], None]
"""Reads a file; raises CorruptFileError when it is damaged."""


@dataclass(frozen=True)
class Damage:
    """A damaged file.

    Attributes:
        path: Relative to the workspace.
        reason: What is wrong with it.
        rows: Rows of a table, where its end says how many; None where nothing tells.
    """

    path: str
    reason: str
    rows: int | None = None


def find_damage(
    workspace: Workspace,
    *,
    checks: Mapping[str, FileCheck] | None = None,
    on_file: Callable[[str], None] | None = None,
) -> Iterator[Damage]:
    """Yield the damaged files of a workspace, by path.

    Args:
        workspace: It may be in use: a part that was merged meanwhile is passed over.
        checks: Files at the top besides the marker, and how each is read.
        on_file: Called with every path before it is read.

    Raises:
        StorageError: A file cannot be read by this machine now, which is no damage.
    """
    special: dict[str, FileCheck] = {MARKER: _check_marker, **(checks or {})}
    for path in (*special, *_paths(workspace)):
        check = special.get(path) or _check_of(path)
        if check is None:
            continue
        if on_file is not None:
            on_file(path)
        try:
            check(workspace, path)
        except FileNotFoundError:
            continue
        except CorruptFileError as error:
            yield Damage(path, error.reason, _rows(workspace, path))


def move_aside(workspace: Workspace, path: str) -> str:
    """Move a damaged file out of the way, keeping it; return where it is now."""
    folder, _, name = f"{DAMAGED}/{path}".rpartition("/")
    taken, number = set(workspace.names(folder)), 2
    target = name
    while target in taken:
        target, number = f"{name}.{number}", number + 1
    workspace.move(path, f"{folder}/{target}")
    return f"{folder}/{target}"


def _paths(workspace: Workspace) -> Iterator[str]:
    for pattern in _FOLDERS:
        folders = [""]
        for word in pattern.split("/"):
            folders = [
                f"{folder}/{name}".strip("/")
                for folder in folders
                for name in (workspace.names(folder) if word == "*" else [word])
            ]
        for folder in folders:
            yield from (f"{folder}/{name}" for name in workspace.names(folder))


def _check_of(path: str) -> FileCheck | None:
    name = path.rpartition("/")[2]
    if name.startswith("."):
        return None  # unfinished: no reader looks at it
    return {"parquet": check_table, "json": check_json}.get(name.rpartition(".")[2])


def check_table(workspace: Workspace, path: str) -> None:
    """Read all pages of a Parquet file against their checksums, one row group at a time.

    Raises:
        CorruptFileError: It is damaged.
        FileNotFoundError: It is not there.
    """
    with workspace.opened(path) as source, open_parquet(source) as file:
        for group in range(file.num_row_groups):
            file.read_row_group(group)


def check_json(workspace: Workspace, path: str) -> None:
    """Read a JSON file; raises CorruptFileError when it is damaged."""
    data = workspace.read_bytes(path)
    if data is not None:
        with explained_reads(f"{workspace.root}/{path}", CHECK):
            json.loads(data)


def _check_marker(workspace: Workspace, path: str) -> None:
    data = workspace.read_bytes(path)
    if data is not None:
        layout_version(data, f"{workspace.root}/{path}")


def _rows(workspace: Workspace, path: str) -> int | None:
    if not path.endswith(".parquet"):
        return None
    try:
        with workspace.opened(path) as source, open_parquet(source) as file:
            rows: Any = file.metadata.num_rows
            return int(rows)
    except CorruptFileError:
        return None
