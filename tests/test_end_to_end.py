"""`clipmill demo` as a user runs it: videos in, samples, report, export and scores out."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from frameino_loader import load_item, read_rows
from typer.testing import CliRunner

from clipmill.cli.app import app
from clipmill.demo.clips import read_demo

pytestmark = pytest.mark.slow


def clipmill(*arguments: object) -> subprocess.CompletedProcess:
    program = "from clipmill.cli import main; main()"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def demo(isnet, tmp_path_factory):
    """A finished demo of the profile `cpu`: its workspace and what it printed as JSON."""
    workspace = tmp_path_factory.mktemp("demo") / "ws"
    done = clipmill("demo", "-w", workspace, "-j", 2, "--gallery", 4, "--json")
    assert done.returncode == 0, done.stderr
    assert "in place of cpu" not in done.stderr
    return workspace, json.loads(done.stdout)


def test_every_annotation_is_near_the_truth(demo):
    missed = [score for score in demo[1]["scores"] if not score["passed"]]
    assert not missed
    assert len(demo[1]["scores"]) >= 12


def test_broken_and_unfit_files_end_where_they_should(demo):
    workspace, _ = demo
    for clip in read_demo(workspace / "data"):
        # In this process, where everything is imported.
        words = ["why", clip.name, "-w", str(workspace), "--json"]
        asked = CliRunner().invoke(app, words, catch_exceptions=False)
        told = json.loads(asked.stdout)["stories"][0]
        if clip.basic == "unreadable":
            assert told["outcome"].startswith("failed at probe")
        elif clip.basic:
            assert told["outcome"].startswith(f"dropped at basic selection: {clip.basic}")
        if clip.stage2:
            assert told["samples"], clip.name


def test_there_are_stage_2_samples(demo):
    assert demo[1]["stage2_samples"] >= 4
    assert demo[1]["failed"] == 4


def test_the_same_input_gives_the_same_bytes_again(demo, tmp_path):
    workspace, _ = demo
    videos = workspace / "data" / "videos"
    chosen = tmp_path / "videos"
    chosen.mkdir()
    for name in ("two_shots.mp4", "zoom.mp4"):  # those that cost least
        (chosen / name).write_bytes((videos / name).read_bytes())
    done = clipmill("run", "-i", chosen, "-w", tmp_path / "ws", "-j", 0)
    assert done.returncode == 0, done.stderr
    for name in ("objects", "camera", "tracks", "inout"):
        (new,) = (tmp_path / "ws" / "annotations" / name).glob("*/part-*.parquet")
        (old,) = (workspace / "annotations" / name / new.parent.name).glob("part-*.parquet")
        rows = pq.read_table(new).drop_columns(["seconds"])
        before = {row["clip_id"]: row for row in pq.read_table(old).to_pylist()}
        for row in rows.to_pylist():
            assert row == {key: before[row["clip_id"]][key] for key in row}, name


def test_a_changed_percentile_computes_nothing(demo):
    workspace, _ = demo
    config = workspace / "clipmill.yaml"
    text = config.read_text()
    changed = workspace.parent / "changed.yaml"
    changed.write_text(text.replace("- 0.92\n", "- 0.8\n"))
    assert changed.read_text() != text
    done = clipmill("run", "-c", changed, "-w", workspace, "--json", "-j", 2)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["computed"].values()) == {0}


def test_the_export_loads_in_both_stages(demo, tmp_path):
    workspace, _ = demo
    done = clipmill("export", "frameino", tmp_path / "out", "-w", workspace)
    assert done.returncode == 0, done.stderr
    for stage in (1, 2):
        rows = read_rows(tmp_path / "out" / f"stage{stage}" / "csv")
        assert len(rows) >= 4
        for row in rows:
            load_item(
                row,
                video_root=tmp_path / "out" / "videos",
                id_root=tmp_path / "out" / "ID",
                num_frames=49,
                stage=stage,
            )


def test_the_report_is_a_page_with_what_was_found(demo):
    page = (demo[0] / "report" / "index.html").read_text("utf-8")
    assert "text_area" in page
    assert "broken_zero_bytes.mp4" in page
    assert list(Path(demo[0], "report", "previews").glob("*.mp4"))
