"""Weights, room on disk, builds of OpenCV and sources."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_disks import small_disk

import clipmill
from clipmill.config import SourceConfig, load_profile
from clipmill.preflight.disk_room import workspace_room
from clipmill.preflight.examine import examine
from clipmill.preflight.finding import Finding
from clipmill.preflight.opencv import check_opencv
from clipmill.preflight.sources import look_at_sources
from clipmill.weights import REGISTRY

SRC = Path(clipmill.__file__).parents[1]


def of(check: str, found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.check == check]


def test_weights_that_a_run_fetches_are_no_reason_to_stop_before(monkeypatch):
    pipeline = load_profile("cpu")
    (found,) = of("weights", examine(pipeline, fetched=False))
    assert found.state == "ok" and "the first run fetches it" in found.text
    (found,) = of("weights", examine(pipeline))
    assert found.is_missing and found.command == "clipmill models pull --profile cpu"
    monkeypatch.setenv("CLIPMILL_OFFLINE", "1")
    (found,) = of("weights", examine(pipeline, fetched=False))
    assert found.is_missing


def test_damaged_weights_are_told_as_such(own_weights):
    folder = own_weights / "isnet"
    folder.mkdir(parents=True)
    (folder / "isnet.onnx").write_bytes(b"something else")
    (found,) = of("weights", examine(load_profile("cpu")))
    assert found.is_missing and "isnet.onnx" in found.text and not found.command


def test_weights_that_do_not_fit_on_the_disk_are_told_before_they_are_fetched(tmp_path):
    weights, *_ = of("disk", examine(load_profile("frameino")))
    assert "of weights" in weights.text
    fits = shutil.disk_usage(tmp_path).free > sum(
        spec.size_bytes or 0 for spec in REGISTRY.values()
    )
    assert weights.state == ("ok" if fits else "missing")


def test_room_for_rows_is_estimated_from_the_videos(tmp_path):
    room = workspace_room(str(tmp_path / "not" / "there"), 3, 1000)
    assert room.state == "ok" and "for the rows of 3 videos" in room.text
    much = workspace_room(str(tmp_path), 1_000_000, 10**16)
    assert much.state == "warning" and "make room" in much.todo


def test_a_disk_that_is_nearly_full_is_warned_of(tmp_path):
    with small_disk(tmp_path / "disk", size="32m") as disk:
        assert workspace_room(str(disk / "ws"), None, 0).state == "warning"


def install(folder: Path, *builds: str) -> None:
    for build in builds:
        place = folder / f"{build.replace('-', '_')}-4.10.0.dist-info"
        place.mkdir()
        (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {build}\nVersion: 4.10.0\n")


def test_one_headless_build_is_well():
    (found,) = check_opencv()
    assert found.state == "ok" and found.text.startswith("opencv-python-headless ")


def test_two_builds_are_warned_of_with_what_mends_them(tmp_path, monkeypatch):
    install(tmp_path, "opencv-python")
    monkeypatch.syspath_prepend(tmp_path)
    (found,) = check_opencv()
    assert found.state == "warning" and found.text.startswith("2 builds: ")
    assert "pip uninstall -y opencv-python-headless opencv-python" in found.command


def test_a_build_that_cannot_be_loaded_is_missing(tmp_path, monkeypatch):
    install(tmp_path, "opencv-python")
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    (found,) = check_opencv()
    assert found.is_missing and "libGL.so.1" in found.text


def test_the_program_says_what_mends_a_broken_build(tmp_path):
    """`doctor` begins without OpenCV, and finds that it cannot be loaded."""
    install(tmp_path, "opencv-python")
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").write_text("raise ImportError('libGL.so.1: cannot open')")
    ended = subprocess.run(
        [sys.executable, "-m", "clipmill", "doctor", "--profile", "embedded"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{SRC}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2 and "Traceback" not in ended.stderr
    assert "libGL.so.1" in ended.stdout
    assert "pip install --force-reinstall --no-deps opencv-python-headless" in ended.stdout


def with_source(path: Path):
    return load_profile("embedded").model_copy(update={"sources": (SourceConfig(path=str(path)),)})


def test_a_source_that_is_not_there_is_missing(tmp_path):
    (found,), listing = look_at_sources(with_source(tmp_path / "gone"))
    assert found.is_missing and listing is None and "gone" in found.text


def test_an_empty_source_is_missing(tmp_path):
    found, _ = look_at_sources(with_source(tmp_path))
    assert any(f.is_missing for f in found)


def test_videos_of_a_source_are_counted(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"x" * 10)
    (found,), listing = look_at_sources(with_source(tmp_path))
    assert found.text == "1 videos" and listing.videos[0].size_bytes == 10


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_source_that_may_not_be_read_is_missing(tmp_path):
    (tmp_path / "in").mkdir(mode=0)
    found, _ = look_at_sources(with_source(tmp_path / "in"))
    assert any(f.is_missing for f in found)
