"""Manifests: tables that name videos and, where they have them, their captions."""

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from clipmill.errors import UsageError
from clipmill.sources.folder import FoundFile
from clipmill.sources.lookup.local import LocalPlaces
from clipmill.sources.readers.rows import Columns, Row
from clipmill.sources.readers.rows_csv import csv_rows
from clipmill.sources.readers.rows_jsonl import jsonl_rows
from clipmill.sources.readers.rows_parquet import parquet_rows
from clipmill.sources.lookup.url import UrlPlaces

KIND_BY_SUFFIX = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
"""What a manifest is by its name, in lower case."""

_CHUNK_ROWS = 1024
"""Rows looked up together, so that questions to servers need not wait for each other."""

_READERS: dict[str, Callable[[str, Columns], Iterator[Row]]] = {
    "csv": csv_rows,
    "jsonl": jsonl_rows,
    "parquet": parquet_rows,
}


def kind_of(path: str) -> str | None:
    """Return `csv`, `jsonl` or `parquet` by the suffix of a manifest, None for anything else."""
    return KIND_BY_SUFFIX.get(PurePosixPath(path).suffix.lower())


def read_rows(path: str, kind: str, columns: Columns) -> Iterator[Row]:
    """Read the rows of a manifest of a kind; raises UsageError when it cannot be read at all."""
    return _READERS[kind](path, columns)


@dataclass(frozen=True)
class Manifest:
    """A table of videos.

    Attributes:
        path: Absolute path or fsspec URL of the table.
        kind: `csv`, `jsonl` or `parquet`.
        root: Absolute folder or URL that paths are relative to, without a slash at its end; the
            folder of the manifest when empty.
        base: Folder below the root that the paths of this table start from.
        columns: Which columns to read.
    """

    path: str
    kind: str
    root: str = ""
    base: str = ""
    columns: Columns = field(default_factory=Columns)

    def files(self) -> Iterator[FoundFile]:
        """Look up every row, in the order of the table.

        Raises:
            UsageError: The table cannot be read at all; a bad row is a `FoundFile.problem`.
        """
        rows = read_rows(self.path, self.kind, self.columns)
        root = self.root or posixpath.dirname(self.path)
        label = posixpath.basename(self.path)
        label = f"{self.base}/{label}" if self.base else label
        local, urls = LocalPlaces(), UrlPlaces()
        while chunk := list(islice(rows, _CHUNK_ROWS)):
            found = [self._relative(row, root) for row in chunk]
            targets = ["" if wrong else _target(path, root) for path, wrong in found]
            remote = iter(urls.find_all([target for target in targets if "://" in target]))
            for row, (relative, problem), target in zip(chunk, found, targets, strict=True):
                if problem:
                    shown = printable(row.path) if row.path.strip() else f"{label}, {row.where}"
                    yield FoundFile(shown, shown, shown, 0, problem=problem, where=row.where)
                    continue
                place = next(remote) if "://" in target else local.find(target)
                yield FoundFile(
                    relative,
                    place.uri,
                    place.real_path,
                    place.size_bytes,
                    row.text if row.text and not row.text.isspace() else None,
                    place.problem,
                    row.where,
                )

    def _relative(self, row: Row, root: str) -> tuple[str, str]:
        """Return the normalised path below the root, or what is wrong with the row.

        A path outside a root that was not given is absolute, or a URL.
        """
        path, problem = row.path, row.problem or unusable(row)
        if problem:
            return path, problem
        if path.startswith("file://"):
            path = unquote(urlsplit(path).path)
        if "://" in path:
            return self._relative_url(path, root)
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


def open_source(path: str, kind: str, root: str, columns: Columns) -> Manifest:
    """Return the manifest of a source.

    Args:
        path: The table, local or behind a URL.
        kind: `csv`, `jsonl` or `parquet`.
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


def unusable(row: Row) -> str:
    """Say why a row cannot be looked up; empty when it can."""
    if not row.path or row.path.isspace():
        return "the path is empty"
    if "\0" in row.path:
        return "the path holds a zero byte"
    if row.path.isascii() and (row.text is None or row.text.isascii()):
        return ""
    return _broken_text(row.path, "path") or _broken_text(row.text, "caption")


def _broken_text(text: str | None, what: str) -> str:
    """Say whether a text cannot be stored, because it is no UTF-8."""
    if text is None or text.isascii():
        return ""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return f"the {what} is not valid UTF-8"
    return ""


def printable(path: str) -> str:
    """Return a path as it may be shown and stored: UTF-8 without zero bytes."""
    raw = path.encode("utf-8", "surrogatepass")
    return raw.decode("utf-8", "backslashreplace").replace("\0", "\\0")
