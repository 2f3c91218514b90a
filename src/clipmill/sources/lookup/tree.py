"""Finding files below a folder whose exact place in it nobody wrote down."""

import os
import posixpath
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from clipmill.clips import TarMember
from clipmill.errors import UsageError
from clipmill.sources.folder import is_video, walk
from clipmill.sources.lookup.local import LocalPlaces, Place
from clipmill.sources.readers.tar_captions import is_utf8, normal
from clipmill.sources.readers.tars import TarEntry, open_tar, tar_entries

_MISSING = "the file does not exist"


class Found(NamedTuple):
    """Where a file was found.

    Attributes:
        relative_path: Below the root; `a.tar/name` for a file in an archive.
        place: The file.
    """

    relative_path: str
    place: Place


class TreePlaces:
    """Files by the end of their path, extracted or still in plain tar archives.

    Where a path starts is tried first; only when that fails, the whole tree is listed, once.

    Args:
        root: Absolute folder.

    Attributes:
        problems: What is wrong with archives, as path and reason, once the tree was listed.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self.problems: list[tuple[str, str]] = []
        self._members: dict[str, TarMember] = {}
        self._others: dict[str, list[str]] = {}
        self._local = LocalPlaces()

    def find(self, path: str, *, near: str = "") -> Found:
        """Look a file up.

        Args:
            path: End of its path: a name, or folders and a name.
            near: Folder below the root that it is looked for in first.
        """
        for relative in [f"{near}/{path}", path] if near else [path]:
            place = self._local.find(f"{self._root}/{relative}")
            if place.problem != _MISSING:
                return Found(relative, place)
        name = posixpath.basename(path)
        fits = [self._tree[name], *self._others.get(name, ())] if name in self._tree else []
        if fits != [path]:
            fits = [one for one in fits if one == path or one.endswith(f"/{path}")]
        if not fits:
            return Found(path, place)
        relative = fits[0]
        if near and len(fits) > 1:
            relative = next((one for one in fits if near in one.split("/")), relative)
        member = self._members.get(relative)
        if member is None:
            return Found(relative, self._local.find(f"{self._root}/{relative}"))
        real = f"{os.path.realpath(member.archive)}#{normal(member.name)}"
        return Found(relative, Place(member.uri, real, member.size_bytes))

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a video nor an archive below the root."""
        files = walk(Path(self._root), [], lambda name: is_video(name) or _is_tar(name))
        return next(files, None) is None

    @cached_property
    def _tree(self) -> dict[str, str]:
        """First path below the root by file name; the rest is in `_others`, archives last."""
        tree: dict[str, str] = {}
        archives = []
        for path in walk(Path(self._root), [], lambda name: is_video(name) or _is_tar(name)):
            if _is_tar(path):
                archives.append(path)
            else:
                self._add(tree, path)
        for below in sorted(archives):
            self._read_archive(below)
        for path in self._members:
            self._add(tree, path)
        return tree

    def _add(self, tree: dict[str, str], path: str) -> None:
        # Of a million names nearly all are there once; a list for each would cost 80 MB.
        name = posixpath.basename(path)
        if tree.setdefault(name, path) != path:
            self._others.setdefault(name, []).append(path)

    def _read_archive(self, below: str) -> None:
        archive = f"{self._root}/{below}"
        try:
            with open_tar(archive) as file:
                for entry in tar_entries(file):
                    self._note(archive, below, entry)
        except UsageError as error:
            self.problems.append((below, str(error)))

    def _note(self, archive: str, below: str, entry: TarEntry) -> None:
        name = normal(entry.name) if entry.name else ""
        if not entry.name:
            self.problems.append((below, entry.problem))
        elif is_video(name) and is_utf8(name):
            if entry.problem:
                self.problems.append((f"{below}/{name}", entry.problem))
                return
            member = TarMember(archive, entry.offset, entry.size_bytes, entry.name)
            self._members.setdefault(f"{below}/{name}", member)


def _is_tar(name: str) -> bool:
    return name.lower().endswith(".tar")
