"""Finding files below a folder whose exact path is not known."""

import os
import posixpath
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from clipmill.clips import TarMember
from clipmill.errors import UsageError
from clipmill.sources.found import composed, is_leftover, is_video
from clipmill.sources.lookup.local import MISSING, LocalPlaces, LocatedFile
from clipmill.sources.lookup.walk import walk_files
from clipmill.sources.readers.tar_captions import is_utf8, normal
from clipmill.sources.readers.tars import TarEntry, archive_stamp, open_tar, tar_entries


class Found(NamedTuple):
    """Where a file was found.

    Attributes:
        relative_path: Below the root; `a.tar/name` for a file in an archive.
        place: The file.
    """

    relative_path: str
    place: LocatedFile


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
        self._stamps: dict[str, str] = {}

    def find(self, path: str, *, near: Sequence[str] = ()) -> Found:
        """Look a file up.

        Args:
            path: End of its path: a name, or folders and a name.
            near: Folders below the root that it is looked for in first.
        """
        for relative in (*(f"{folder}/{path}" for folder in near), path):
            place = self._local.find(f"{self._root}/{relative}")
            if place.problem != MISSING:
                return Found(self._below(place, relative), place)
        wanted = composed(path)
        name = posixpath.basename(wanted)
        fits = [self._tree[name], *self._others.get(name, ())] if name in self._tree else []
        if fits != [path]:
            ends = [(one, composed(one)) for one in fits]
            fits = [one for one, end in ends if end == wanted or end.endswith(f"/{wanted}")]
        if not fits:
            return Found(path, place)
        relative = fits[0]
        if len(fits) > 1:
            near_ones = (one for one in fits if not set(near).isdisjoint(one.split("/")))
            relative = next(near_ones, relative)
        member = self._members.get(relative)
        if member is None:
            return Found(relative, self._local.find(f"{self._root}/{relative}"))
        real = f"{os.path.realpath(member.archive)}#{normal(member.name)}"
        stamp = self._stamp(member.archive)
        return Found(relative, LocatedFile(member.uri, real, member.size_bytes, stamp=stamp))

    def _stamp(self, archive: str) -> str:
        if archive not in self._stamps:
            self._stamps[archive] = archive_stamp(archive)
        return self._stamps[archive]

    def _below(self, place: LocatedFile, relative: str) -> str:
        """Return the path below the root of a file, spelled as it is on the disk."""
        root = f"{self._root}/"
        return place.uri.removeprefix(root) if place.uri.startswith(root) else relative

    def videos(self) -> Iterator[str]:
        """Yield the paths below the root of all videos and archives of them."""
        return walk_files(Path(self._root), [], lambda name: is_video(name) or _is_tar(name))

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a video nor an archive below the root."""
        return next(self.videos(), None) is None

    @cached_property
    def _tree(self) -> dict[str, str]:
        """First path below the root by composed name; the rest is in `_others`, archives last."""
        tree: dict[str, str] = {}
        archives = []
        for path in self.videos():
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
        name = composed(posixpath.basename(path))
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
        elif is_video(name) and not is_leftover(name) and is_utf8(name):
            if entry.problem:
                self.problems.append((f"{below}/{name}", entry.problem))
                return
            member = TarMember(archive, entry.offset, entry.size_bytes, entry.name)
            self._members.setdefault(f"{below}/{name}", member)


def _is_tar(name: str) -> bool:
    return name.lower().endswith(".tar") and not is_leftover(name)
