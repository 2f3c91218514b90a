"""The benchmarks of the store and of selections run; what they measure is not judged here."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks" / "scale"


@pytest.mark.parametrize("name", ["selection.py", "resume_scan.py"])
def test_a_benchmark_runs_to_its_end(name):
    command = [sys.executable, BENCHMARKS / name, "--clips", "2000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "peak" in done.stdout
