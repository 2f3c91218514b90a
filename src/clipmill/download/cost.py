"""Whether there is room, and what a server without byte ranges costs."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from clipmill.download.archives.repository import Archive
from clipmill.download.errors import FolderError

SPARE_BYTES = 64 << 20
"""Room that must be left on the disk for lists and the journal."""


def check_room(folder: Path, need: int) -> None:
    """Refuse to begin when the chosen videos do not fit.

    Raises:
        FolderError: They do not.
    """
    free = shutil.disk_usage(folder).free
    if need and need + SPARE_BYTES > free:
        raise FolderError(
            f"--to: the disk of {folder} has {free / 1e9:,.2f} GB free, the chosen videos need "
            f"{(need + SPARE_BYTES) / 1e9:,.2f} GB more; nothing was fetched. Make room, or choose "
            "fewer with --parts or --where"
        )


def check_room_for_whole(folder: Path, archive: Archive, begun: int) -> None:
    """Refuse to begin an archive that does not fit.

    Args:
        folder: Target of the download.
        archive: What has to be stored until it is unpacked.
        begun: Bytes of it that are there.

    Raises:
        FolderError: It does not.
    """
    free, need = shutil.disk_usage(folder).free, archive.size - begun + SPARE_BYTES
    if need > free:
        raise FolderError(
            f"--to: part {archive.part} has to be fetched whole and needs {need / 1e9:,.2f} GB; "
            f"the disk of {folder} has {free / 1e9:,.2f} GB free. Every finished video is kept; "
            "make room, or leave this part out with --parts"
        )


def say_whole(note: Callable[[str], None], archives: Sequence[Archive]) -> None:
    """Tell what it costs that a server has no byte ranges."""
    total, largest = sum(a.size for a in archives), max(a.size for a in archives)
    note(
        f"the server has no byte ranges, so {len(archives)} archives have to be fetched whole: "
        f"{total / 1e9:,.2f} GB, one at a time, with {largest / 1e9:,.2f} GB of room for the "
        "largest besides the videos; a connection that is cut begins its file again. Another "
        "server can be named with HF_ENDPOINT, fewer archives with --parts"
    )
