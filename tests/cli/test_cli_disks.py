"""Every command on a disk that is full, and on one that cannot be written.

A message and an exit code, never a traceback; what was there is as it was; with room, the same
command ends well.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pipelines import BASIC
from small_disks import fill, read_only, small_disk
from truthful_run import shared_workspace

import clipmill as clipmill_package
from media import make_clip

IMPORTABLE = os.pathsep.join(
    [str(Path(clipmill_package.__file__).parents[1]), str(Path(__file__).parents[1] / "support")]
)
"""For programs that the tests start."""

PROGRAM = "from clipmill.cli import main; main()"

EXPORTS = {
    "canonical": ("canonical", "--long-side", 96),
    "diffsynth": ("diffsynth", "--long-side", 96),
    "frameino": ("frameino",),
    "frameino copied": ("frameino", "--videos", "copy"),
    "frameino cut": ("frameino", "--videos", "cut", "--long-side", 96),
    "videox-fun": ("videox-fun", "--long-side", 96),
    "plain": ("plain", "--long-side", 96),
    "control": ("control", "--long-side", 96),
    "re10k": ("re10k", "--long-side", 96),
    "canonical shards": ("canonical", "--as", "webdataset", "--long-side", 96),
    "plain data set": ("plain", "--as", "huggingface", "--long-side", 96),
}


@pytest.fixture(scope="session")
def samples(tmp_path_factory) -> Path:
    """A workspace with samples; to be left as it is."""
    return Path(shared_workspace(tmp_path_factory).root)


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shelf") / "videos"
    make_clip(folder / "one.mp4", size=(480, 320), frames=105)
    make_clip(folder / "two.mp4", size=(480, 320), frames=20)
    (folder.parent / "p.yaml").write_text(BASIC)
    return folder


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", size="24m") as mounted:
        yield mounted


@pytest.fixture
def told(clipmill):
    """Run a command that cannot work; returns what it says."""

    def run(*arguments: object) -> str:
        code, out, err = clipmill(*arguments)
        assert code in (1, 2), f"{arguments}: {out}{err}"
        assert "error:" in err, out + err
        assert "Traceback" not in out + err
        return err

    return run


def content(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "clipmill.lock"
    }


def run_arguments(videos: Path, workspace: Path) -> tuple[object, ...]:
    config = videos.parent / "p.yaml"
    return "run", "-i", videos, "-c", config, "-w", workspace, "-j", 0


@pytest.mark.parametrize("room", [0, 4096, 12 << 10, 24 << 10, 40 << 10])
def test_a_run_on_a_full_disk_goes_on_when_there_is_room(clipmill, told, disk, videos, room):
    ballast = fill(disk, leave=room)
    assert "No space left" in told(*run_arguments(videos, disk / "ws"))
    ballast.unlink()
    code, _, err = clipmill(*run_arguments(videos, disk / "ws"))
    assert code == 0, err
    assert "shot split: 1 clips in, 1 on" in err
    assert not list((disk / "ws").rglob("*.clipmill-tmp"))


@pytest.mark.parametrize("room", [0, 30_000, 150_000])
def test_a_report_on_a_full_disk(clipmill, told, disk, samples, room):
    before = content(samples)
    ballast = fill(disk, leave=room)
    err = told("report", "-w", samples, "-o", disk / "page", "--gallery", 3)
    assert "No space left" in err
    ballast.unlink()
    assert clipmill("report", "-w", samples, "-o", disk / "page", "--gallery", 3)[0] == 0
    assert not list(disk.rglob("*.clipmill-tmp"))
    assert content(samples) == before


CASES = [("canonical", 0), ("frameino", 0), ("canonical", 90_000)]
CASES += [(name, 12_000) for name in EXPORTS]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_export_on_a_full_disk(clipmill, told, disk, samples, case):
    name, room = case
    kind, *options = EXPORTS[name]
    arguments = ("export", kind, disk / "out", "-w", samples, "--limit", 2, "-j", 1, *options)
    before = content(samples)
    ballast = fill(disk, leave=room)
    assert "No space left" in told(*arguments)
    ballast.unlink()
    code, out, err = clipmill(*arguments, "--verify")
    assert code == 0, out + err
    assert "all as written" in out
    assert content(samples) == before


@pytest.mark.parametrize("room", [12_000, 60_000])
def test_a_full_disk_met_by_worker_processes_is_no_fault_of_samples(
    clipmill, told, disk, samples, room
):
    arguments = ("export", "canonical", disk / "out", "-w", samples, "--limit", 3, "-j", 2)
    ballast = fill(disk, leave=room)
    assert "No space left" in told(*arguments)
    ballast.unlink()
    code, out, err = clipmill(*arguments, "--verify")
    assert code == 0, out + err
    assert "all as written" in out and "left out" not in out


def test_smaller_commands_on_a_full_disk(clipmill, told, disk, monkeypatch, tmp_path):
    ballast = fill(disk)
    assert "No space left" in told("init", disk / "mine.yaml")
    weights = tmp_path / "ckpt.pth"
    weights.write_bytes(bytes(100_000))
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(disk / "weights"))
    assert "weights" in told("models", "pull", "autoshot", "--from", weights)
    assert "No space left" in told("demo", "-w", disk / "demo", "-p", "embedded", "-j", 0)
    ballast.unlink()
    assert clipmill("init", disk / "mine.yaml")[0] == 0
    assert not list(disk.rglob("*.clipmill-tmp"))


def test_a_repair_on_a_full_disk_loses_nothing(clipmill, told, disk, videos):
    assert clipmill(*run_arguments(videos, disk / "ws"))[0] == 0
    damaged = disk / "ws" / "clipmill.yaml"
    damaged.write_bytes(damaged.read_bytes()[:100])
    before = content(disk / "ws")
    ballast = fill(disk)
    assert "No space left" in told("check", "--repair", "-w", disk / "ws")
    assert content(disk / "ws") == before
    ballast.unlink()
    assert clipmill("check", "--repair", "-w", disk / "ws")[0] == 0
    assert clipmill(*run_arguments(videos, disk / "ws"))[0] == 0


def test_output_into_a_full_device_is_told(samples):
    for command in (["status"], ["status", "--json"], ["failed"], ["why", "still.mp4"]):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, *command, "-w", str(samples)],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                env=os.environ | {"PYTHONPATH": IMPORTABLE},
            )
        assert done.returncode == 1
        assert "error: " in done.stderr and "No space left" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.fixture
def closed(samples, tmp_path):
    """The workspace with samples, where nothing can be written."""
    with read_only(samples, tmp_path / "closed") as folder:
        yield folder


LOOKING = [
    ("status",),
    ("status", "--json"),
    ("why", "still.mp4"),
    ("why", "flower.mp4", "--json"),
    ("failed",),
    ("check",),
]


@pytest.mark.parametrize("command", LOOKING)
def test_looking_needs_no_right_to_write(clipmill, closed, command):
    code, out, err = clipmill(*command, "-w", closed)
    assert code == 0, err
    assert out


def test_a_report_and_exports_of_a_closed_workspace_go_elsewhere(clipmill, told, closed, tmp_path):
    assert "ead-only" in told("report", "-w", closed) or "ermission" in told("report", "-w", closed)
    assert clipmill("report", "-w", closed, "-o", tmp_path / "page", "--gallery", 1)[0] == 0
    options = ("-w", closed, "--limit", 1, "--long-side", 96)
    assert clipmill("export", "plain", tmp_path / "out", *options)[0] == 0


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_into_a_closed_folder(told, samples, closed, name):
    kind, *options = EXPORTS[name]
    told("export", kind, closed / "out", "-w", samples, "--limit", 1, *options)


def test_commands_that_write_into_a_closed_folder(clipmill, told, videos, tmp_path, monkeypatch):
    workspace = tmp_path / "ws"
    assert clipmill(*run_arguments(videos, workspace))[0] == 0
    (part,) = (workspace / "annotations" / "shots").rglob("part-*")
    part.write_bytes(part.read_bytes()[:100])
    before = content(workspace)
    with read_only(workspace, tmp_path / "closed") as closed:
        told(*run_arguments(videos, closed))
        told(*run_arguments(videos, closed / "new"))
        told("check", "--repair", "-w", closed)
        assert clipmill("check", "-w", closed)[0] == 1
        told("init", closed / "mine.yaml")
        told("demo", "-w", closed / "demo", "-p", "embedded", "-j", 0)
        told("download", "openvid", "--to", closed / "videos", "--parts", 0)
        weights = tmp_path / "ckpt.pth"
        weights.write_bytes(bytes(1000))
        monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(closed / "weights"))
        told("models", "pull", "autoshot", "--from", weights)
    assert content(workspace) == before
