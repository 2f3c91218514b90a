"""Finding files below a folder whose exact place in it nobody wrote down."""

import os
import posixpath
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from clipmill.clips import TarMember
from clipmill.errors import UsageError
from clipmill.sources.folder import is_video, walk
from clipmill.sources.places import LocalPlaces, Place
from clipmill.sources.tar_captions import is_utf8, normal
from clipmill.sources.tars import TarEntry, open_tar, tar_entries

_MISSING = "the file does not exist"


@dataclass(frozen=True, slots=True)
class Found:
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
        self._local = LocalPlaces()

    def find(self, path: str, *, near: str = "") -> Found:
        """Look a file up.

        Args:
            path: End of its path: a name, or folders and a name.
            near: Folder below the root that it is looked for in first.
        """
        for start in [near, ""] if near else [""]:
            relative = posixpath.join(start, path)
            place = self._local.find(f"{self._root}/{relative}")
            if place.problem != _MISSING:
                return Found(relative, place)
        fits = [one for one in self._tree.get(posixpath.basename(path), ()) if _ends(one, path)]
        if not fits:
            return Found(path, Place(place.uri, place.real_path, problem=_MISSING))
        relative = next((one for one in fits if near and near in one.split("/")), fits[0])
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
    def _members(self) -> dict[str, TarMember]:
        """Videos in archives by archive and name."""
        found: dict[str, TarMember] = {}
        for path in walk(Path(self._root), [], _is_tar):
            below = path.relative_to(self._root).as_posix()
            try:
                with open_tar(str(path)) as file:
                    for entry in tar_entries(file):
                        self._note(found, str(path), below, entry)
            except UsageError as error:
                self.problems.append((below, str(error)))
        return found

    def _note(self, found: dict[str, TarMember], archive: str, below: str, entry: TarEntry) -> None:
        name = normal(entry.name) if entry.name else ""
        if not entry.name:
            self.problems.append((below, entry.problem))
        elif is_video(name) and is_utf8(name):
            if entry.problem:
                self.problems.append((f"{below}/{name}", entry.problem))
                return
            member = TarMember(archive, entry.offset, entry.size_bytes, entry.name)
            found.setdefault(f"{below}/{name}", member)

    @cached_property
    def _tree(self) -> dict[str, list[str]]:
        """Paths below the root by file name, files before members of archives, in order."""
        tree: dict[str, list[str]] = {}
        files = walk(Path(self._root), [], is_video)
        paths = sorted(os.path.relpath(file, self._root) for file in files)
        for path in [*paths, *self._members]:
            tree.setdefault(posixpath.basename(path), []).append(path)
        return tree


def _ends(path: str, end: str) -> bool:
    return path == end or path.endswith(f"/{end}")


def _is_tar(name: str) -> bool:
    return name.lower().endswith(".tar")
