"""Folders of videos on a local disk; `remote.py` lists those behind a URL."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from clipmill.clips import stamp_of_file
from clipmill.errors import UsageError
from clipmill.sources.counts import SourceCounts
from clipmill.sources.found import VIDEO_SUFFIXES, FoundFile, is_video
from clipmill.sources.leftout import LEFTOVER, LEFTOVERS, count_others, reason_for
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
        found = _describe(str(root), root.name, os.path.realpath(root.parent))
        text = _beside(root)
        yield found if text is None else _captioned(found, text, counts, encoding)
        return
    closed: list[OSError] = []
    entries: list[FoundFile] = []
    for level in levels(root, closed):
        entries += _level(root, level, counts, encoding, tables if not level.below else frozenset())
    for error in closed:
        folder = str(error.filename)
        problem = f"the folder cannot be listed: {error.strerror}"
        relative = Path(folder).relative_to(root).as_posix()
        entries.append(FoundFile(relative, folder, folder, 0, problem=problem))
    yield from sorted(entries, key=lambda entry: entry.relative_path)


def _no_video(path: Path) -> str:
    _, reason = reason_for(path.name)
    known = ", ".join(sorted(VIDEO_SUFFIXES))
    return (
        f"{path} is no video by its name ({reason}); videos end in {known}. "
        "Rename it, or name its `kind` in the pipeline file (`folder` for a video)"
    )


def _level(
    root: Path, level: Level, counts: SourceCounts, encoding: str, tables: frozenset[str]
) -> Iterator[FoundFile]:
    """List the videos of one folder, and count what else is in it."""
    texts = sidecar_texts(level.names)
    used = set(tables)
    for name in level.names:
        if is_video(name):
            text = texts.get(stem_of(name)) if texts else None
            if text is not None:
                used.add(text)
            found = _describe(f"{root}/{level.below}{name}", level.below + name, level.real)
            yield found if text is None else _captioned(found, text, counts, encoding)
    for folder in level.leftovers:
        counts.unused(LEFTOVERS, LEFTOVER, f"{level.below}{folder}/")
    count_others(counts, level.below, level.names, used)


def _beside(path: Path) -> str | None:
    """Return the name of the text beside a single video."""
    try:
        return sidecar_texts(sorted(os.listdir(path.parent))).get(stem_of(path.name))  # noqa: PTH208
    except OSError:
        # A folder that may be passed through but not listed; the video itself can be read.
        return None


def _describe(path: str, relative: str, real_folder: str) -> FoundFile:
    """Return a video as it lies there.

    Args:
        path: Absolute.
        relative: Below the root.
        real_folder: The folder of the file, behind links.
    """
    try:
        relative.encode("utf-8")
    except UnicodeEncodeError:
        name = shown(relative)
        return FoundFile(name, name, name, 0, problem="its name is not valid UTF-8; rename it")
    real = f"{real_folder}/{path.rpartition('/')[2]}"
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
