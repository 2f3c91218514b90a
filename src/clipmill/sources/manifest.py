"""Manifests: tables that name videos and, where they have them, captions and times."""

import os
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from clipmill.errors import UsageError
from clipmill.sources.accounting.counts import SourceCounts
from clipmill.sources.found import PICTURE_SUFFIXES, FoundFile
from clipmill.sources.lookup.local import LocalPlaces
from clipmill.sources.lookup.tree import Found, TreePlaces
from clipmill.sources.lookup.url import UrlPlaces
from clipmill.sources.readers.rows import Row, RowColumns
from clipmill.sources.readers.rows_csv import csv_rows
from clipmill.sources.readers.rows_json import json_rows
from clipmill.sources.readers.rows_jsonl import jsonl_rows
from clipmill.sources.readers.rows_parquet import parquet_rows
from clipmill.sources.row_reader import RowReader, unusable

KIND_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".json": "json",
}
"""What a table is by its name, in lower case; `.gz` may follow."""

_CHUNK_ROWS = 1024
"""Rows looked up together, so that questions to servers need not wait for each other."""

_READERS: dict[str, Callable[[str, RowColumns], Iterator[Row]]] = {
    "csv": csv_rows,
    "jsonl": jsonl_rows,
    "parquet": parquet_rows,
    "json": json_rows,
}


def table_kind(path: str) -> str | None:
    """Return `csv`, `json`, `jsonl` or `parquet` by the suffix of a table, None for others."""
    return KIND_BY_SUFFIX.get(PurePosixPath(path.lower().removesuffix(".gz")).suffix)


def read_rows(path: str, kind: str, columns: RowColumns) -> Iterator[Row]:
    """Read the rows of a table of a kind; raises UsageError when it cannot be read at all."""
    return _READERS[kind](path, columns)


@dataclass(frozen=True)
class Manifest:
    """A table of videos.

    Attributes:
        path: Absolute path or fsspec URL of the table.
        kind: `csv`, `json`, `jsonl` or `parquet`.
        root: Absolute folder or URL that paths are relative to, without a slash at its end; the
            folder of the manifest when empty.
        base: Folder below the root that the paths of this table start from.
        columns: Which columns to read.
        tree: Where files are looked for by the end of their path; None to take paths as written.
        near: Folders of the tree that come first.
    """

    path: str
    kind: str
    root: str = ""
    base: str = ""
    columns: RowColumns = field(default_factory=RowColumns)
    tree: TreePlaces | None = None
    near: Sequence[str] = ()

    def files(self, counts: SourceCounts) -> Iterator[FoundFile]:
        """Look up every row, in the order of the table.

        Args:
            counts: Counts rows and what was done to captions.

        Raises:
            UsageError: The table cannot be read at all; a bad row is a `FoundFile.problem`.
        """
        rows = read_rows(self.path, self.kind, self.columns)
        root = self.root or posixpath.dirname(self.path)
        label = posixpath.basename(self.path)
        label = f"{self.base}/{label}" if self.base else label
        reading = RowReader(label, counts.table(self.path), counts)
        local, urls = LocalPlaces(), UrlPlaces()
        while chunk := list(islice(rows, _CHUNK_ROWS)):
            found = [self._relative(row, root) for row in chunk]
            targets = ["" if wrong else _target(path, root) for path, wrong in found]
            remote = iter(urls.find_all([target for target in targets if "://" in target]))
            for row, (relative, problem), target in zip(chunk, found, targets, strict=True):
                if problem:
                    yield reading.refused(row, problem)
                elif "://" in target:
                    yield reading.video(row, relative, next(remote))
                else:
                    at = self._find(relative, target, local, root)
                    yield reading.video(row, at.relative_path, at.place)

    def _find(self, relative: str, target: str, local: LocalPlaces, root: str) -> Found:
        """Look up a local file, in the tree where there is one."""
        if self.tree is not None and not relative.startswith("/"):
            return self.tree.find(relative, near=self.near)
        place = local.find(target)
        if place.uri != target and place.uri.startswith(f"{root}/"):
            relative = place.uri[len(root) + 1 :]  # as it is spelled on the disk
        return Found(relative, place)

    def _relative(self, row: Row, root: str) -> tuple[str, str]:
        """Return the normalised path below the root, or what is wrong with the row.

        A path outside a root that was not given is absolute, or a URL.
        """
        path, problem = row.path, row.problem or unusable(row.path)
        if problem:
            return path, problem
        if path.startswith("file://"):
            path = unquote(urlsplit(path).path)
        if "://" in path:
            return self._relative_url(path, root)
        if "\\" in path and "://" not in root:
            path = _with_slashes(path, posixpath.join(root, self.base))
        if problem := _no_place_of_a_video(path):
            return path, problem
        if self.base and not path.startswith("/"):
            path = f"{self.base}/{path}"
        if path[0] in "./" or path[-1] == "/" or "/." in path or "//" in path:
            path = posixpath.normpath(path)
        if path.startswith("/"):
            # normpath keeps two slashes at the front, which POSIX lets mean something else.
            path = "/" + path.lstrip("/")
            if path.startswith(f"{root.rstrip('/')}/"):
                path = path[len(root.rstrip("/")) + 1 :]
            elif self.root or "://" in root:
                problem = f"the path is outside the root {root}"
        elif path == ".":
            problem = "the path names the folder itself"
        elif path == ".." or path.startswith("../"):
            problem = f"the path leaves the root {root}; give a higher folder as `root`"
        return path, problem

    def _relative_url(self, url: str, root: str) -> tuple[str, str]:
        if ".." in url.split("/"):
            return url, "the URL holds `..`; write where it leads"
        if "://" in root and url.startswith(f"{root}/"):
            return url[len(root) + 1 :], ""
        return url, f"the URL is outside the root {self.root}" if self.root else ""


def open_manifest(path: str, kind: str, root: str, columns: RowColumns) -> Manifest:
    """Return the manifest of a source.

    Args:
        path: The table, local or behind a URL.
        kind: `csv`, `json`, `jsonl` or `parquet`.
        root: Folder that paths are relative to; a relative one starts at the manifest's folder.
        columns: Which columns to read.

    Raises:
        UsageError: The root is not a folder.
    """
    if "://" not in path:
        path = posixpath.normpath(Path(path).absolute().as_posix())
    return Manifest(path, kind, resolve_root(root, posixpath.dirname(path)), columns=columns)


def resolve_root(root: str, folder: str) -> str:
    """Return a configured root as an absolute path or URL; empty stays empty.

    Raises:
        UsageError: It is not a folder.
    """
    if not root or "://" in root:
        return root.rstrip("/")
    if "://" in folder:
        return posixpath.join(folder, root).rstrip("/")
    root = posixpath.normpath(posixpath.join(folder, root))
    if not Path(root).is_dir():
        raise UsageError(f"the root {root} is not a folder; check `root`")
    return root


def _target(relative: str, root: str) -> str:
    """Return the absolute path or URL of what `_relative` returned."""
    if relative.startswith("/") or "://" in relative:
        return relative
    return f"{root.rstrip('/')}/{relative}"


def _no_place_of_a_video(path: str) -> str:
    """Say why a path cannot be that of a video here; empty when it can."""
    if path.lower().endswith(PICTURE_SUFFIXES):
        return "names a picture, not a video"
    if path[1:3] == ":/" and path[0].isalpha():
        return "is a Windows path; write one below a folder, and name that as `root`"
    return ""


def _with_slashes(path: str, folder: str) -> str:
    """Return a path written on Windows with slashes, unless a file of the very name is there."""
    return path if os.path.lexists(posixpath.join(folder, path)) else path.replace("\\", "/")
