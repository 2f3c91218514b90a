"""The engine that measures is an engine: the benchmarks that stand on it run to their end."""

import subprocess
import sys
from pathlib import Path

from media import make_clip

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_a_clip_costs_something_in_every_stage_that_it_reaches(tmp_path: Path) -> None:
    video = make_clip(tmp_path / "clip.mp4", frames=30)
    ended = subprocess.run(
        [sys.executable, BENCHMARKS / "cpu_cost.py", video, "--profile", "embedded"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0] == "clip.mp4: 30 frames, 1.2 s"
    costs = {line.split()[0]: line.split()[1:] for line in lines if line[:1].islower()}
    assert {"probe", "shots", "quality", "objects"} <= costs.keys()
    clips, cpu_seconds, *_, peak_mib = costs["objects"]
    assert clips == "1"
    assert float(cpu_seconds) > 0
    assert float(peak_mib) > 10
