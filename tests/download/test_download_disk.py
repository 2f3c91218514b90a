"""A disk that really is full: a small file system in memory, mounted for the test."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dataset_server import REPO, TRAIN, DataHub, make_table
from published import BOTH, contents, fetch, publish
from weights_server import child_environment

from clipmill.download.errors import DiskFullError, FolderError

_COMMAND = (
    "import sys; from clipmill.cli import main; sys.argv[1:1] = ['download', 'openvid']; main()"
)
_MOUNT = 'mount -t tmpfs -o "size=$2" none "$1" && echo ready && cat; umount "$1"'


@contextlib.contextmanager
def disk_of(folder: Path, size: int) -> Iterator[Path]:
    """Mount a file system of so many bytes; skip the test where nobody may mount one.

    It exists in a process of its own: with user namespaces no privileges are needed, and it goes
    when the process does.
    """
    folder.mkdir()
    for prefix in (["unshare", "-rm"], []):
        command = [*prefix, "sh", "-c", _MOUNT, "sh", str(folder), str(size)]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as holder:
            if holder.stdout.readline() == b"ready\n":
                yield Path(f"/proc/{holder.pid}/root{folder}")
                return
    pytest.skip("neither root nor user namespaces may mount a file system here")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    with contextlib.ExitStack() as stack:
        yield lambda size: stack.enter_context(disk_of(tmp_path / "small", size))


def fill(path: Path) -> None:
    """Take all room that is left."""
    with path.open("wb") as file:
        for step in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while True:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), step)


@pytest.fixture
def stopped(
    hub: DataHub, tmp_path: Path, disk: Callable[[int], Path]
) -> tuple[Path, subprocess.CompletedProcess]:
    """The command, run on a disk that somebody else fills while the first archive arrives."""
    publish(hub)
    small = disk(75 << 20)
    hub.hold, hub.hold_after = threading.Event(), 700_000
    child = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, "--to", str(small / "to"), "--jobs", "1"],
        env=child_environment(hub, tmp_path / "cache"),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert hub.held.wait(60)
    fill(small / "ballast")
    assert shutil.disk_usage(small).free == 0
    hub.hold.set()
    _, told = child.communicate(timeout=60)
    hub.hold = None
    return small, subprocess.CompletedProcess(child.args, child.returncode, stderr=told)


def test_a_full_disk_is_told_and_the_download_goes_on_when_there_is_room(
    hub: DataHub, stopped: tuple[Path, subprocess.CompletedProcess]
):
    small, ended = stopped
    assert ended.returncode == 1
    assert f"the disk of {small / 'to'} is full (0.00 GB free)" in ended.stderr
    assert "run the same command again" in ended.stderr and "Traceback" not in ended.stderr
    kept = contents(small / "to")
    assert kept and kept.items() < BOTH.items()
    (small / "ballast").unlink()
    hub.seen.clear()
    report = fetch(small / "to")
    assert contents(small / "to") == BOTH
    assert report.here_before >= len(kept) - 1
    assert (small / "to" / "missing.txt").read_text() == "absent.mp4\n"


def test_a_full_disk_is_left_for_a_larger_one(
    hub: DataHub, tmp_path: Path, stopped: tuple[Path, subprocess.CompletedProcess]
):
    small, _ = stopped
    kept = contents(small / "to")
    larger = shutil.copytree(small / "to", tmp_path / "larger")
    report = fetch(larger)
    assert contents(larger) == BOTH
    assert report.here_before >= len(kept)
    assert report.fetched == len(BOTH) - report.here_before


def test_no_room_at_all_for_the_first_list(hub: DataHub, disk: Callable[[int], Path]):
    publish(hub)
    small = disk(1 << 20)
    fill(small / "ballast")
    with pytest.raises(DiskFullError, match="is full"):
        fetch(small / "to")
    (small / "ballast").unlink()
    assert fetch(small / "to", dry_run=True).fetched == len(BOTH)


def test_too_little_room_is_known_before(hub: DataHub, disk: Callable[[int], Path]):
    publish(hub)
    small = disk(65 << 20)
    hub.seen.clear()
    with pytest.raises(FolderError, match=r"has 0.07 GB free, .* need 0.07 GB more; nothing"):
        fetch(small)
    assert contents(small) == {}
    hub.ranges = False
    shutil.rmtree(small / ".openvid")
    with pytest.raises(FolderError, match=r"part 0 has to be fetched whole and needs 0.07 GB"):
        fetch(small)
    assert contents(small) == {}


def test_a_disk_that_fills_while_an_archive_is_unpacked(
    hub: DataHub, tmp_path: Path, disk: Callable[[int], Path]
):
    # Packed a hundredfold, so that the videos do not fit where the archive does.
    files = {f"v{n}.mp4": bytes([n]) * (30 << 20) for n in range(3)}
    path = tmp_path / "packed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr("pad.mp4", os.urandom(100_000), zipfile.ZIP_STORED)
    hub.files = {
        REPO: {
            "OpenVid_part0.zip": path.read_bytes(),
            TRAIN: make_table([(name, "x", 1) for name in files]),
        }
    }
    hub.ranges = False
    small = disk(75 << 20)
    with pytest.raises(DiskFullError):
        fetch(small / "to", subset="train", where="aesthetic_score == 1")
    (rest,) = (small / "to" / ".openvid" / "archives").iterdir()
    kept = contents(small / "to")
    # From the end on: the last two are written, and their room in the archive is free again.
    assert set(kept) == {"v1.mp4", "v2.mp4"}
    assert rest.stat().st_size < path.stat().st_size - 100_000
    larger = shutil.copytree(small / "to", tmp_path / "larger")
    hub.seen.clear()
    report = fetch(larger, where="aesthetic_score == 1")
    assert contents(larger) == files
    assert hub.bodies() == []
    assert report.fetch_bytes == 0
