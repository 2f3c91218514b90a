"""Names of archive members as names of files in one folder."""

import stat
import zipfile
from pathlib import PurePosixPath

VIDEO_SUFFIXES = frozenset((".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm"))

_DEVICES = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10)}
_FORBIDDEN = frozenset('\x7f:<>|?*"')
_MAX_NAME_BYTES = 240
"""Most file systems allow 255; a suffix for duplicates must fit."""


def refusal(entry: zipfile.ZipInfo) -> str:
    """Return why a member must not be unpacked; empty when it may be."""
    name = entry.orig_filename.replace("\\", "/")
    path = PurePosixPath(name)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    stem = path.name.partition(".")[0].strip().lower()
    reasons = (
        (not path.name, "it has no name"),
        (path.is_absolute() or name[1:2] == ":", "its name is an absolute path"),
        (".." in path.parts, "its name leaves the folder (..)"),
        (kind == stat.S_IFLNK, "it is a link"),
        (kind not in {0, stat.S_IFREG, stat.S_IFLNK}, "it is no ordinary file"),
        (stem in _DEVICES, "its name is a device's"),
        (
            any(c < " " or c in '\x7f:<>|?*"' for c in path.name),
            "its name has forbidden characters",
        ),
        (path.name != path.name.rstrip(" ."), "its name ends with a space or a dot"),
        (len(path.name.encode("utf-8", "replace")) > _MAX_NAME_BYTES, "its name is too long"),
        (bool(entry.flag_bits & 1), "it is encrypted"),
    )
    return next((reason for wrong, reason in reasons if wrong), "")


def flat_name(entry: zipfile.ZipInfo) -> str:
    """Return the name of a member without its folders."""
    return PurePosixPath(entry.orig_filename.replace("\\", "/")).name


def is_video(entry: zipfile.ZipInfo) -> bool:
    """Tell whether a member is a video by its name; resource forks of macOS (`._x`) are not."""
    path = PurePosixPath(flat_name(entry))
    hidden = path.name.startswith("._")
    return not hidden and path.suffix.lower() in VIDEO_SUFFIXES


def second_name(name: str, crc: int) -> str:
    """Return the name of a file whose own name another file of other content has."""
    path = PurePosixPath(name)
    return f"{path.stem}~{crc:08x}{path.suffix}"
