"""Folders of videos, local or behind a URL."""

import os
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from clipmill.errors import UsageError

VIDEO_SUFFIXES = frozenset(
    (
        *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
        *(".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
    )
)
"""What counts as a video by its name, in lower case; other files are passed over."""

MAX_CAPTION_BYTES = 100_000
"""A longer text file beside a video is not taken for its caption."""


class FoundFile(NamedTuple):
    """One entry of a source; a tuple, for a million of them are made.

    Attributes:
        relative_path: Relative to the root, `/` as separator.
        uri: Absolute path or URL.
        real_path: The file behind links, to recognise one that is listed twice.
        size_bytes: Size.
        text: Caption from a manifest or from a `.txt` file of the same stem, if there is one.
        problem: Why it cannot be read; empty when it can.
        where: Line or row of the manifest, byte of the archive; empty for a file found in a folder.
    """

    relative_path: str
    uri: str
    real_path: str
    size_bytes: int
    text: str | None = None
    problem: str = ""
    where: str = ""


def list_local(root: Path) -> list[FoundFile]:
    """List the videos below a folder, or a single file, in path order.

    Symbolic links are followed; a link back to a folder above it is entered once only.

    Raises:
        UsageError: The path does not exist or is no video.
    """
    root = Path(os.path.normpath(root.absolute()))
    if not root.exists():
        raise UsageError(f"the source {root} does not exist; check `--input`")
    if root.is_file():
        return [_describe(root, root.name)]
    closed: list[OSError] = []
    found = [_describe(root / path, path) for path in walk(root, closed, is_video)]
    for error in closed:
        folder = str(error.filename)
        problem = f"the folder cannot be listed: {error.strerror}"
        relative = Path(folder).relative_to(root).as_posix()
        found.append(FoundFile(relative, folder, folder, 0, problem=problem))
    return sorted(found, key=lambda entry: entry.relative_path)


def is_video(name: str) -> bool:
    """Whether a file counts as a video by its name."""
    return posixpath.splitext(name)[1].lower() in VIDEO_SUFFIXES


def walk(root: Path, closed: list[OSError], wanted: Callable[[str], bool]) -> Iterator[str]:
    """Yield the files with wanted names as paths below the root, `/` as separator.

    Each real folder is entered once. Folders come in name order, and the files within each.
    Errors of folders that cannot be listed are appended to `closed`.
    """
    seen: set[str] = set()
    top = str(root)
    for folder, subfolders, files in os.walk(top, followlinks=True, onerror=closed.append):
        real = os.path.realpath(folder)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders.sort()
        below = folder[len(top) :].replace(os.sep, "/").strip("/")
        start = f"{below}/" if below else ""
        for name in sorted(files):
            if wanted(name):
                yield start + name


def _describe(path: Path, relative: str) -> FoundFile:
    try:
        relative.encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(relative).decode("utf-8", "backslashreplace")
        return FoundFile(shown, shown, shown, 0, problem="its name is not valid UTF-8; rename it")
    try:
        size = path.stat().st_size
    except OSError as error:
        # A dangling or circular link, or a folder that may not be entered.
        problem = f"cannot be read: {error.strerror}"
        return FoundFile(relative, str(path), str(path), 0, problem=problem)
    real = os.path.realpath(path)
    return FoundFile(relative, str(path), real, size, text=_sidecar_text(path))


def _sidecar_text(path: Path) -> str | None:
    sidecar = path.with_suffix(".txt")
    try:
        if sidecar.stat().st_size > MAX_CAPTION_BYTES:
            return None
        return sidecar.read_text("utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def list_remote(url: str) -> list[FoundFile]:
    """List the videos below an fsspec URL, in path order; raises UsageError when it is absent."""
    import fsspec

    filesystem, root = fsspec.core.url_to_fs(url)
    if not filesystem.exists(root):
        raise UsageError(f"the source {url} does not exist; check `--input`")
    found = []
    for name, info in sorted(filesystem.find(root, detail=True).items()):
        if is_video(name):
            relative = name.removeprefix(root).lstrip("/") or PurePosixPath(name).name
            uri = filesystem.unstrip_protocol(name)
            found.append(FoundFile(relative, uri, uri, int(info.get("size") or 0)))
    return found
