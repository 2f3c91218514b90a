"""What a source is made of: videos, what belongs to them, and what is left lying about."""

import unicodedata
from typing import NamedTuple

from clipmill.clips import Span

VIDEO_SUFFIXES = frozenset(
    (
        *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
        *(".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
    )
)
"""What counts as a video by its name, in lower case."""

PICTURE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Files that a decoder would show as a video of a frame or a few; they are none."""

_LEFTOVER_FOLDERS = frozenset(
    (
        *("__MACOSX", ".AppleDouble", ".Spotlight-V100", ".TemporaryItems", ".fseventsd"),
        *(".Trash", ".Trashes", "$RECYCLE.BIN", "#recycle", "System Volume Information"),
        *("lost+found", ".snapshot", "@eaDir", ".git", ".ipynb_checkpoints"),
    )
)
"""Folders of which nothing is a user's file, or all of it is a second copy."""

_LEFTOVER_NAMES = frozenset((".DS_Store", "Thumbs.db", "desktop.ini"))


class FoundFile(NamedTuple):
    """One entry of a source; a tuple, for a million of them are made.

    Attributes:
        relative_path: Relative to the root, `/` as separator.
        uri: Absolute path or URL.
        real_path: The file behind links, to recognise one that is listed twice.
        size_bytes: Size.
        stamp: What changes when the file is replaced, see `Video.stamp`.
        text: Caption from a table or from a file beside it, if there is one.
        problem: Why it cannot be read; empty when it can.
        where: Line or row of the table, byte of the archive; empty for a file found in a folder.
        origin: Where the caption came from, for people: `text file`, `column 'caption'`.
        remark: Why its caption is not used; the video is. Empty when nothing is wrong with it.
        text_uri: The text file that the remark is about; empty for a cell of a table.
        span: The part that a row asks for; None for the whole video.
        is_text: Whether this is no video at all, but a text that cannot be read (`problem`).
    """

    relative_path: str
    uri: str
    real_path: str
    size_bytes: int
    stamp: str = ""
    text: str | None = None
    problem: str = ""
    where: str = ""
    origin: str = ""
    remark: str = ""
    text_uri: str = ""
    span: Span | None = None
    is_text: bool = False


def is_video(name: str) -> bool:
    """Whether a file counts as a video by its name."""
    stem, dot, suffix = name.rpartition(".")
    # As posixpath.splitext has it, in a third of its time: dots in front make no suffix.
    return (
        dot + suffix.lower() in VIDEO_SUFFIXES
        and stem.rpartition("/")[2].strip(".") != ""
        and not is_leftover(name)
    )


def is_leftover(path: str) -> bool:
    """Whether a name or path is what systems and archivers leave behind, not a user's file.

    `._a.mp4` is not the video `a.mp4` but what a Mac knows about it, and so is all of `__MACOSX`.
    """
    *folders, name = path.split("/")
    if name.startswith("._") or name in _LEFTOVER_NAMES:
        return True
    return any(map(is_leftover_folder, folders))


def is_leftover_folder(name: str) -> bool:
    """Whether nothing in a folder of this name is a user's file."""
    return name in _LEFTOVER_FOLDERS or name.startswith(".Trash-")


def composed(name: str) -> str:
    """Return one spelling of a name: systems differ in how they write an e with an accent."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)
