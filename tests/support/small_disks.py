"""Disks that refuse: a small tmpfs that fills up, a mount that cannot be written."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _mount(*arguments: object) -> None:
    command = ["mount", *map(str, arguments)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount file systems")


@contextmanager
def small_disk(mount: Path, *, size: str) -> Iterator[Path]:
    """Mount a tmpfs of a size, e.g. `4m`; skips the test where that is not allowed."""
    mount.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", mount)
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


@contextmanager
def read_only(folder: Path, mount: Path) -> Iterator[Path]:
    """Show a folder once more, where nothing can be written.

    Whoever is not root may not write where there is no right to; root gets a read-only mount, and
    the test is skipped where that is not allowed.
    """
    if os.geteuid():
        shutil.copytree(folder, mount)
        with _closed(mount):
            yield mount
        return
    mount.mkdir(parents=True, exist_ok=True)
    _mount("--bind", folder, mount)
    try:
        _mount("-o", "remount,bind,ro", mount)
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


@contextmanager
def _closed(folder: Path) -> Iterator[None]:
    below = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in below:
        path.chmod(0o555)
    try:
        yield
    finally:
        for path in below:
            path.chmod(0o755)


def fill(disk: Path, *, leave: int = 0) -> Path:
    """Fill a disk with one file; return it.

    Args:
        disk: The mount.
        leave: Bytes that stay free.
    """
    ballast = disk / "ballast"
    free = os.statvfs(disk)
    room = free.f_bavail * free.f_frsize - leave
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(room, 1))
    return ballast
