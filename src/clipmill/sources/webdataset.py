"""WebDataset shards: tar archives whose files belong together by name, read in place."""

import glob
import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clipmill.clips import TarMember
from clipmill.errors import UsageError
from clipmill.sources.accounting.counts import SourceCounts
from clipmill.sources.accounting.leftout import LEFTOVER, LEFTOVERS, reason_for
from clipmill.sources.found import FoundFile, is_leftover, is_video
from clipmill.sources.lookup.walk import walk_files
from clipmill.sources.readers.rows import RowColumns
from clipmill.sources.readers.tar_captions import Captions, is_utf8, key, normal
from clipmill.sources.readers.tars import (
    COMPRESSED_SUFFIXES,
    TarEntry,
    archive_stamp,
    open_tar,
    tar_entries,
)
from clipmill.sources.sidecars import shown

_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")


def is_shard(path: str) -> bool:
    """Whether a name is that of a tar archive, compressed or not."""
    return path.lower().endswith((".tar", *COMPRESSED_SUFFIXES))


def list_webdataset(path: str, columns: RowColumns, counts: SourceCounts) -> Iterator[FoundFile]:
    """List the videos of shards, in the order of the shards' names and of their files.

    Args:
        path: A shard, a folder of shards at any depth, or several by braces
            (`train-{000..127}.tar`) or a pattern (`train-*.tar`); local or a URL.
        columns: `caption` names the field of a `.json` that is the caption; when empty, a
            `.txt` is, else one of the usual fields.
        counts: Counts what is not used.

    Raises:
        UsageError: There is no shard, or none can be read.
    """
    shards = _find_shards(path)
    if not shards:
        raise UsageError(f"the source {path} holds no .tar; check `path` or name another `kind`")
    readable = 0
    errors: list[UsageError] = []
    for relative, archive in shards:
        try:
            yield from _Shard(archive, relative, Captions(columns), counts).files()
            readable += 1
        except UsageError as error:
            errors.append(error)
            yield FoundFile(relative, archive, archive, 0, problem=str(error))
    if not readable:
        raise errors[0]


def _find_shards(path: str) -> list[tuple[str, str]]:
    """Return name below the source and absolute path or URL of every shard."""
    paths = _expand(path)
    if len(paths) != 1 or is_shard(paths[0]):
        return [(posixpath.basename(one), one) for one in paths]
    if "://" in path:
        import fsspec

        filesystem, root = fsspec.core.url_to_fs(path)
        names = sorted(name for name in filesystem.find(root) if is_shard(name))
        below = [name.removeprefix(root).lstrip("/") for name in names]
        return list(zip(below, map(filesystem.unstrip_protocol, names), strict=True))
    root = Path(paths[0])
    return [(one, f"{root}/{one}") for one in sorted(walk_files(root, [], is_shard))]


def _expand(path: str) -> list[str]:
    """Return what a path with braces or a pattern stands for, absolute, in order."""
    remote = "://" in path
    if not remote:
        path = posixpath.normpath(Path(path).absolute().as_posix())
        if Path(path).exists():
            return [path]
    paths = _braces(path)
    if len(paths) > 1 or not glob.has_magic(path):
        if not remote and len(paths) == 1:
            raise UsageError(f"the source {path} does not exist; check `--input`")
        return paths
    if not remote:
        return sorted(glob.glob(path, recursive=True))  # noqa: PTH207
    import fsspec

    filesystem, pattern = fsspec.core.url_to_fs(path)
    return sorted(map(filesystem.unstrip_protocol, filesystem.glob(pattern)))


def _braces(path: str) -> list[str]:
    match = _BRACES.search(path)
    if not match:
        return [path]
    first, last = match.groups()
    numbers = range(int(first), int(last) + 1)
    texts = [str(n).zfill(len(first) if first.startswith("0") else 0) for n in numbers]
    start, end = path[: match.start()], path[match.end() :]
    return [one for text in texts for one in _braces(f"{start}{text}{end}")]


@dataclass
class _Shard:
    """One archive: its videos are listed once all of it was seen, for captions may follow them."""

    archive: str
    relative: str
    captions: Captions
    counts: SourceCounts

    def files(self) -> Iterator[FoundFile]:
        """List the videos in order, after them what is wrong beside them.

        Raises:
            UsageError: The archive cannot be read at all.
        """
        remote = "://" in self.archive
        real = self.archive if remote else os.path.realpath(self.archive)
        videos: list[TarEntry] = []
        problems: list[FoundFile] = []
        stamp = archive_stamp(self.archive)
        with open_tar(self.archive) as file:
            for number, entry in enumerate(tar_entries(file)):
                if not entry.name:
                    if not number:
                        raise UsageError(f"{self.archive} is no tar archive: {entry.problem}")
                    problems.append(self._problem(entry, entry.problem))
                elif not key(entry.name) or is_leftover(normal(entry.name)):
                    self.counts.unused(LEFTOVERS, LEFTOVER, self._shown(entry))
                elif is_video(entry.name):
                    videos.append(entry)
                elif problem := self.captions.note(file, entry):
                    problems.append(self._problem(entry, problem)._replace(is_text=True))
                elif not entry.name.lower().endswith((".txt", ".json")):
                    self.counts.unused(*reason_for(normal(entry.name)), self._shown(entry))
        for entry in videos:
            yield self._found(entry, real, stamp)
        yield from problems

    def _found(self, entry: TarEntry, real: str, stamp: str) -> FoundFile:
        name = normal(entry.name)
        problem = entry.problem
        if name.startswith("../"):
            problem = "its path leaves the archive"
        elif not is_utf8(name):
            problem = "its name is not valid UTF-8; rename it"
        if problem:
            return self._problem(entry, problem)
        caption, origin = self.captions.caption(name)
        if caption.note:
            self.counts.note(caption.note)
        member = TarMember(self.archive, entry.offset, entry.size_bytes, entry.name)
        return FoundFile(
            f"{self.relative}/{name}",
            member.uri,
            f"{real}#{name}",
            entry.size_bytes,
            text=caption.text,
            where=f"byte {entry.offset}",
            origin=origin,
            stamp=stamp,
        )

    def _problem(self, entry: TarEntry, problem: str) -> FoundFile:
        relative = self._shown(entry)
        uri = f"{self.archive}{relative.removeprefix(self.relative)}"
        return FoundFile(relative, uri, uri, 0, problem=problem, where=f"byte {entry.offset}")

    def _shown(self, entry: TarEntry) -> str:
        """Return the path of an entry below the source, as it may be stored."""
        name = shown(normal(entry.name)) if entry.name else ""
        return f"{self.relative}/{name}" if name else self.relative
