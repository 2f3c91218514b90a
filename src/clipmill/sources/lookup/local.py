"""Looking up the local files that a table names: one listing per folder."""

import os
import stat
from dataclasses import dataclass, field
from typing import NamedTuple

from clipmill.clips import stamp_of_file
from clipmill.sources.found import composed

MISSING = "the file does not exist"
"""The problem of a place where nothing is."""


class LocatedFile(NamedTuple):
    """A file that was looked up; a tuple, for a million of them are made.

    Attributes:
        uri: Absolute path or URL, spelled as it is on the disk.
        real_path: The file behind links.
        size_bytes: Size.
        problem: Why it cannot be read; empty when it can.
        stamp: What changes when the file is replaced, see `Video.stamp`.
    """

    uri: str
    real_path: str
    size_bytes: int = 0
    problem: str = ""
    stamp: str = ""


@dataclass(frozen=True)
class Folder:
    """What one folder holds; links and files by name, sizes and stamps where they came along."""

    path: str
    real_path: str
    files: dict[str, int | None] = field(default_factory=dict)
    links: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    problem: str = ""
    stamps: dict[str, str] = field(default_factory=dict)


class LocalPlaces:
    """Files by absolute local path. A file that is not there costs no system call.

    A name that is there in another Unicode form, composed or decomposed, is found too.
    """

    def __init__(self) -> None:
        self._folders: dict[str, Folder] = {}
        self._spellings: dict[str, dict[str, str]] = {}

    def find(self, path: str) -> LocatedFile:
        """Look up one file by its normalised absolute path."""
        place = self._find(path)
        if place.problem == MISSING and not path.isascii():
            there = self._respelled(path)
            return self._find(there) if there and there != path else place
        return place

    def _find(self, path: str) -> LocatedFile:
        head, _, name = path.rpartition("/")
        folder = self._folder(head)
        if name in folder.files:
            same = folder.real_path == folder.path
            return _stat(path, path if same else f"{folder.real_path}/{name}")
        if name in folder.links:
            return _stat(path, os.path.realpath(path))
        if name in folder.others:
            return LocatedFile(path, path, problem="is not a file")
        return LocatedFile(path, path, problem=folder.problem or MISSING)

    def _folder(self, path: str) -> Folder:
        folder = self._folders.get(path)
        if folder is None:
            folder = self._folders[path] = _list_folder(path or "/")
        return folder

    def _respelled(self, path: str) -> str | None:
        """Return a path as it is written on the disk, folder by folder; None if it is not there."""
        head, _, name = path.rpartition("/")
        if head and not head.isascii():
            found = self._respelled(head)
            if found is None:
                return None
            head = found
        folder = self._folder(head)
        if name in folder.files or name in folder.links or name in folder.others:
            return f"{head}/{name}"
        if head not in self._spellings:
            names = (*folder.files, *folder.links, *folder.others)
            self._spellings[head] = {composed(one): one for one in names if not one.isascii()}
        there = self._spellings[head].get(composed(name))
        return None if there is None else f"{head}/{there}"


def _list_folder(path: str) -> Folder:
    files: dict[str, int | None] = {}
    links, others = set(), set()
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_symlink():
                    links.add(entry.name)
                elif entry.is_file():
                    files[entry.name] = None
                else:
                    others.add(entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return Folder(path, path)
    except OSError as error:
        return Folder(path, path, problem=f"its folder cannot be listed: {error.strerror}")
    return Folder(path, os.path.realpath(path), files, frozenset(links), frozenset(others))


def _stat(path: str, real_path: str) -> LocatedFile:
    try:
        # Path.stat makes an object for every one of a million files.
        found = os.stat(path)  # noqa: PTH116
    except OSError as error:
        # A dangling or circular link, or gone since the listing.
        return LocatedFile(path, path, problem=f"cannot be read: {error.strerror}")
    if not stat.S_ISREG(found.st_mode):
        return LocatedFile(path, path, problem="is not a file")
    return LocatedFile(path, real_path, found.st_size, stamp=stamp_of_file(found))
