"""Looking up the files that a table names by URL."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any

import fsspec

from clipmill.clips import stamp_of_entry
from clipmill.sources.lookup.local import MISSING, Folder, LocatedFile

ASKED_AT_ONCE = 32
"""Questions to servers at the same time; each is a wait of some milliseconds."""

_FAILURES = (OSError, ImportError, ValueError, NotImplementedError)


class UrlPlaces:
    """Files by fsspec URL.

    Object stores are asked for one listing per folder, which holds the sizes too. HTTP servers
    have no listings, and chained URLs no folders: they are asked for each file, many at once.
    """

    def __init__(self) -> None:
        self._folders: dict[str, Folder | None] = {}

    def find_all(self, urls: Sequence[str]) -> list[LocatedFile]:
        """Look up several files; the answers come in the order of the URLs."""
        places = {url: self._listed(url) for url in urls}
        unknown = [url for url, place in places.items() if place is None]
        if unknown:
            with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
                places.update(zip(unknown, pool.map(_ask, unknown), strict=True))
        return [place for url in urls if (place := places[url]) is not None]

    def _listed(self, url: str) -> LocatedFile | None:
        """Look a file up in the listing of its folder; None when there is no listing."""
        if url.startswith(("http://", "https://")) or "::" in url:
            return None
        head, _, name = url.rpartition("/")
        if head not in self._folders:
            self._folders[head] = _list_folder(head)
        folder = self._folders[head]
        if folder is None:
            return None
        if name in folder.files:
            return LocatedFile(url, url, folder.files[name] or 0, stamp=folder.stamps.get(name, ""))
        if name in folder.others:
            return LocatedFile(url, url, problem="is not a file")
        return LocatedFile(url, url, problem=MISSING)


def _list_folder(url: str) -> Folder | None:
    try:
        filesystem, inner = fsspec.core.url_to_fs(url)
        entries = filesystem.ls(inner, detail=True)
    except (FileNotFoundError, NotADirectoryError):
        return Folder(url, url)
    except _FAILURES:
        return None  # each file will say for itself what is wrong, or be there
    files: dict[str, int | None] = {}
    stamps: dict[str, str] = {}
    others = set()
    for entry in entries:
        name = PurePosixPath(str(entry["name"])).name
        if entry.get("type") == "file":
            files[name] = int(entry.get("size") or 0)
            stamps[name] = stamp_of_entry(entry)
        else:
            others.add(name)
    return Folder(url, url, files, others=frozenset(others), stamps=stamps)


def _ask(url: str) -> LocatedFile:
    try:
        filesystem, inner = fsspec.core.url_to_fs(url)
        info: dict[str, Any] = filesystem.info(inner)
    except _FAILURES as error:
        return LocatedFile(url, url, problem=_reason(error))
    if info.get("type") == "directory":
        return LocatedFile(url, url, problem="is not a file")
    if info.get("size") is None:
        return LocatedFile(url, url, problem="its server does not tell its size")
    return LocatedFile(url, url, int(info["size"]), stamp=stamp_of_entry(info))


def _reason(error: Exception) -> str:
    # fsspec calls every fault of an HTTP server a missing file; the cause is what happened.
    cause = error.__cause__
    status = getattr(cause, "status", None)
    if isinstance(error, FileNotFoundError) and (cause is None or status in {404, 410}):
        return MISSING
    if status is not None:
        return f"cannot be read: the server answered {status}"
    return f"cannot be read: {cause or error}"
