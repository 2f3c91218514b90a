"""Folders of videos on a local disk; `remote.py` lists those behind a URL."""

import os
import stat
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

from clipmill.clips import stamp_of_file
from clipmill.errors import UsageError
from clipmill.sources.accounting.counts import SourceCounts
from clipmill.sources.accounting.leftout import LEFTOVER, LEFTOVERS, count_others, reason_for
from clipmill.sources.found import VIDEO_SUFFIXES, FoundFile, is_video
from clipmill.sources.lookup.walk import Level, levels
from clipmill.sources.readers.captions import MAX_CAPTION_BYTES, Caption, text_caption
from clipmill.sources.sidecars import shown, sidecar_texts, stem_of, with_text


def list_local(
    root: Path,
    counts: SourceCounts,
    encoding: str = "",
    *,
    named: bool = False,
    tables: frozenset[str] = frozenset(),
) -> Iterator[FoundFile]:
    """List the videos below a folder, or a single file, in path order.

    Symbolic links are followed; a link back to a folder above it is entered once only.

    Args:
        root: The folder or file.
        counts: Counts what is not used.
        encoding: Of the texts beside videos; empty to go by their byte order marks.
        named: Whether the user says that a single file is a video, whatever its name.
        tables: Names of tables in the folder itself that are read elsewhere.

    Raises:
        UsageError: The path does not exist or is no video by its name.
    """
    root = Path(os.path.normpath(root.absolute()))
    if not root.exists():
        raise UsageError(f"the source {root} does not exist; check `--input`")
    if root.is_file():
        if not named and not is_video(root.name):
            raise UsageError(_no_video(root))
        relative, entry = _named(root.name, (root.name, os.path.realpath(root.parent), None))
        if isinstance(entry, FoundFile):
            yield entry
            return
        found = _describe(str(root), relative, f"{entry[1]}/{root.name}")
        text = _beside(root)
        yield found if text is None else _captioned(found, text, counts, encoding)
        return
    yield from _below(root, counts, encoding, tables)


def _no_video(path: Path) -> str:
    _, reason = reason_for(path.name)
    known = ", ".join(sorted(VIDEO_SUFFIXES))
    return (
        f"{path} is no video by its name ({reason}); videos end in {known}. "
        "Rename it, or name its `kind` in the pipeline file (`folder` for a video)"
    )


_Entry = tuple[str, str, str | None] | FoundFile
"""Of a video: name, folder behind links, name of the text beside it; or what cannot be listed."""


def _below(
    root: Path, counts: SourceCounts, encoding: str, tables: frozenset[str]
) -> Iterator[FoundFile]:
    """List the videos below a folder in path order.

    Names first: each file is looked at only when its turn comes, so that what is held of a million
    of them are their paths.
    """
    closed: list[OSError] = []
    entries: list[tuple[str, _Entry]] = []
    for level in levels(root, closed):
        entries += _level(level, counts, tables if not level.below else frozenset())
    for error in closed:
        folder = str(error.filename)
        problem = f"the folder cannot be listed: {error.strerror}"
        relative = Path(folder).relative_to(root).as_posix()
        entries.append((relative, FoundFile(relative, folder, folder, 0, problem=problem)))
    entries.sort(key=itemgetter(0))
    entries.reverse()
    while entries:
        relative, entry = entries.pop()
        if isinstance(entry, FoundFile):
            yield entry
            continue
        name, real, text = entry
        found = _describe(f"{root}/{relative}", relative, f"{real}/{name}")
        yield found if text is None else _captioned(found, text, counts, encoding)


def _level(
    level: Level, counts: SourceCounts, tables: frozenset[str]
) -> Iterator[tuple[str, _Entry]]:
    """Name the videos of one folder by their path, and count what else is in it."""
    texts = sidecar_texts(level.names)
    used = set(tables)
    for name in level.names:
        if is_video(name):
            text = texts.get(stem_of(name)) if texts else None
            if text is not None:
                used.add(text)
            yield _named(level.below + name, (name, level.real, text))
    for folder in level.leftovers:
        counts.unused(LEFTOVERS, LEFTOVER, f"{level.below}{folder}/")
    count_others(counts, level.below, level.names, used)


def _named(relative: str, entry: _Entry) -> tuple[str, _Entry]:
    """Return an entry with its path, or with what is wrong with that."""
    try:
        relative.encode("utf-8")
    except UnicodeEncodeError:
        path = shown(relative)
        problem = "its name is not valid UTF-8; rename it"
        return path, FoundFile(path, path, path, 0, problem=problem)
    return relative, entry


def _beside(path: Path) -> str | None:
    """Return the name of the text beside a single video."""
    try:
        return sidecar_texts(sorted(os.listdir(path.parent))).get(stem_of(path.name))  # noqa: PTH208
    except OSError:
        # A folder that may be passed through but not listed; the video itself can be read.
        return None


def _describe(path: str, relative: str, real: str) -> FoundFile:
    """Return a video as it lies there.

    Args:
        path: Absolute.
        relative: Below the root.
        real: Its path behind links to folders.
    """
    try:
        # Strings and one system call: pathlib and realpath take thrice the time of the rest.
        facts = os.lstat(path)
        if stat.S_ISLNK(facts.st_mode):
            facts, real = os.stat(path), os.path.realpath(path)  # noqa: PTH116
    except OSError as error:
        # A dangling or circular link, or a folder that may not be entered.
        return FoundFile(relative, path, path, 0, problem=f"cannot be read: {error.strerror}")
    return FoundFile(relative, path, real, facts.st_size, stamp_of_file(facts))


def _captioned(found: FoundFile, text: str, counts: SourceCounts, encoding: str) -> FoundFile:
    """Return a video with the text beside it."""
    if found.problem:
        return found
    uri = f"{found.uri.rpartition('/')[0]}/{text}"
    return with_text(found, text, uri, _read(uri, encoding), counts)


def _read(path: str, encoding: str) -> Caption:
    try:
        with Path(path).open("rb") as file:
            return text_caption(file.read(MAX_CAPTION_BYTES + 1), encoding)
    except OSError as error:
        return Caption(problem=f"cannot be read: {error.strerror}")
