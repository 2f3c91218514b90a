"""The script behind the figures of docs/reference.md runs to its end, and its figures hold."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from media import make_clip

pytest.importorskip("torch", reason="needs torch (extra models)")

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "real" / "reference_differences.py"


def test_what_is_computed_otherwise_is_measured(tmp_path: Path) -> None:
    video = make_clip(tmp_path / "clip.mp4", frames=6)
    ended = subprocess.run(
        [sys.executable, SCRIPT, video], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    scaling, clarity, *others = ended.stdout.splitlines()
    assert scaling.startswith("scaling clip.mp4 320x180: mean |area - bicubic| ")
    ours, greyed, theirs = (float(n) for n in re.findall(r"\d+\.\d+", clarity))
    assert ours == pytest.approx(greyed, rel=0.01)
    assert ours == pytest.approx(theirs, rel=0.01)
    turns = [line for line in others if line.startswith("rotation by ")]
    assert len(turns) == 5
    for line in turns:
        true, _, _, read, spread = (float(n) for n in re.findall(r"\d+\.\d+", line))
        assert (read, spread) == (true, pytest.approx(0, abs=1e-4))
    masks = [line for line in others if line.startswith("SAM 2 masks at ")]
    assert len(masks) == 3
    assert all(float(line.rsplit(" ", 1)[1]) > 0.98 for line in masks)
