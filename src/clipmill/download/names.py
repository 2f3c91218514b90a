"""Names of archive members as names of files in one folder."""

import re
import stat
import zipfile
from pathlib import PurePosixPath

VIDEO_SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm")

_DEVICES = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10)}
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f:<>|?*"]')
_MAX_NAME_BYTES = 240
"""Most file systems allow 255; a suffix for duplicates must fit."""


def member_refusal(entry: zipfile.ZipInfo) -> str:
    """Return why a member must not be unpacked; empty when it may be."""
    folders, _, name = entry.orig_filename.replace("\\", "/").rpartition("/")
    path = f"{folders}/{name}"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    reasons = (
        (not name, "it has no name"),
        (entry.orig_filename[:1] in "/\\" or path[1:2] == ":", "its name is an absolute path"),
        ("/../" in f"/{path}/", "its name leaves the folder (..)"),
        (kind == stat.S_IFLNK, "it is a link"),
        (kind not in {0, stat.S_IFREG, stat.S_IFLNK}, "it is no ordinary file"),
        (name.partition(".")[0].strip().lower() in _DEVICES, "its name is a device's"),
        (bool(_FORBIDDEN.search(name)), "its name has forbidden characters"),
        (name.endswith((" ", ".")), "its name ends with a space or a dot"),
        (len(name.encode("utf-8", "replace")) > _MAX_NAME_BYTES, "its name is too long"),
        (bool(entry.flag_bits & 1), "it is encrypted"),
    )
    return next((reason for wrong, reason in reasons if wrong), "")


def flat_name(entry: zipfile.ZipInfo) -> str:
    """Return the name of a member without its folders."""
    return entry.orig_filename.replace("\\", "/").rpartition("/")[2]


def is_video_member(entry: zipfile.ZipInfo) -> bool:
    """Tell whether a member is a video by its name; resource forks of macOS (`._x`) are not."""
    name = flat_name(entry)
    return name.lower().endswith(VIDEO_SUFFIXES) and not name.startswith("._")


def second_name(name: str, crc: int) -> str:
    """Return the name of a file whose own name another file of other content has."""
    path = PurePosixPath(name)
    return f"{path.stem}~{crc:08x}{path.suffix}"
