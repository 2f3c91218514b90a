"""Room on disk for weights and for what a run writes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from clipmill.disk.sizes import size_text
from clipmill.preflight.examined import Examined
from clipmill.preflight.finding import Finding
from clipmill.preflight.weights import check_weights
from clipmill.weights.cache import CACHE_VARIABLE, default_root

SHARE = 0.2
"""Bytes of a workspace per byte of its videos, at most: 0.04 to 0.2 in the runs that were measured,
without what is exported."""
LITTLE = 100_000_000
"""With fewer bytes left a disk is as good as full, whatever the estimate says."""


def check_disk_room(examined: Examined) -> Iterator[Finding]:
    """Yield the disks that are written to."""
    fetched = sum(finding.size_bytes for finding in check_weights(examined))
    if fetched:
        yield _weights(fetched)
    if examined.workspace and "://" not in examined.workspace:
        yield workspace_room(examined.workspace, examined.videos, examined.source_bytes)


def _weights(fetched: int) -> Finding:
    free = _free(default_root())
    text = f"{size_text(free)} free for {size_text(fetched)} of weights"
    if free > fetched:
        return Finding("disk", str(default_root()), "ok", text)
    todo = f"make room, or set {CACHE_VARIABLE} to a folder on a larger disk"
    return Finding("disk", str(default_root()), "missing", text, todo)


def workspace_room(workspace: str, videos: int | None, source_bytes: int) -> Finding:
    """Compare the room for a workspace with an estimate, which is no reason to stop.

    Args:
        workspace: Its local path; need not exist.
        videos: How many there are; None if unknown.
        source_bytes: Bytes of all videos.
    """
    path = Path(workspace.partition("://")[2] or workspace).expanduser().absolute()
    free, wanted = _free(path), int(SHARE * source_bytes)
    text = f"{size_text(free)} free"
    if videos is not None:
        text += f"; about {size_text(wanted)} for the rows of {videos} videos, at most"
    todo = "make room, or give another --workspace; a full disk ends a run, and loses nothing"
    if free < max(wanted, LITTLE):
        return Finding("disk", str(path), "warning", text, todo)
    return Finding("disk", str(path), "ok", text)


def _free(path: Path) -> int:
    """Return the bytes that may be written below a path, which need not exist yet."""
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    return shutil.disk_usage(there).free
