"""A run that is killed or interrupted goes on from its last commit, and ends the same."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pipelines import tables
from programs import Program

from media import copy_clip, make_clip

ROOT = Path(__file__).parents[1]
PIPELINE = """
name: killed
steps:
  - annotate: probe
    unit_size: 4
  - split: windows
    max_frames: 8
    min_frames: 2
  - annotate: quality
    backend: fake_backends:Echo
    config: {seconds: 0.08}
    unit_size: 2
  - annotate: shots
    unit_size: 3
  - split: shots
    min_frames: 2
"""


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    first = make_clip(folder / "videos" / "v00.mp4", size=(64, 48), frames=30)
    for number in range(1, 10):
        copy_clip(first, folder / "videos" / f"v{number:02d}.mp4")
    (folder / "videos" / "broken.mp4").write_text("no video")
    (folder / "p.yaml").write_text(PIPELINE)
    return folder


def start(setting: Path, workspace: Path, *more: str, config: Path | None = None) -> Program:
    arguments = ["run", "-i", setting / "videos", "-c", config or setting / "p.yaml"]
    return Program(*arguments, "-w", workspace, *more, paths=(ROOT, ROOT / "support"))


def committed(workspace: Path) -> dict[tuple[str, str], float]:
    """Measured seconds of every committed row: they tell one computation from another."""
    found = {}
    for path in workspace.glob("annotations/*/*/part-*.parquet"):
        table = pq.read_table(path)
        keys = table.column(0).to_pylist()
        found |= {
            (path.parent.name, key): seconds
            for key, seconds in zip(keys, table["seconds"].to_pylist(), strict=True)
        }
    return found


def wait_for_rows(run: Program, workspace: Path, annotation: str) -> None:
    """Wait until a run has committed rows of an annotation."""
    while not list(workspace.glob(f"annotations/{annotation}/*/part-*.parquet")):
        assert run.poll() is None, run.stdout.read()
        time.sleep(0.02)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_killed_at_random_moments_and_resumed(setting, tmp_path, workers):
    calm = start(setting, tmp_path / "calm", "-j", workers)
    assert calm.wait() == 0, calm.stdout.read()
    moments = random.Random(int(workers))
    hits, before = 0, {}
    for _ in range(10):
        run = start(setting, tmp_path / "wild", "-j", workers)
        try:
            run.wait(timeout=moments.uniform(0.1, 1.7))
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            hits += 1
        now = committed(tmp_path / "wild")
        again = [key for key, seconds in before.items() if now.get(key) != seconds]
        assert not again, "committed rows were computed again"
        before = now
    last = start(setting, tmp_path / "wild", "-j", workers)
    assert last.wait() == 0, last.stdout.read()
    assert hits > 1, "no run was killed: the test did not test"
    first, second = tables(tmp_path / "calm"), tables(tmp_path / "wild")
    assert set(first) == set(second)
    for name, table in first.items():
        assert table.equals(second[name]), name


def test_a_file_is_replaced_between_kills(tmp_path):
    """20 kills, one replaced file: as if there had never been anything but the final files."""
    first = make_clip(tmp_path / "shelf" / "a.mp4", size=(64, 48), frames=30)
    other = make_clip(tmp_path / "shelf" / "b.mp4", size=(80, 48), frames=22)
    for number in range(4):
        copy_clip(first, tmp_path / "videos" / f"v{number}.mp4")
    (tmp_path / "p.yaml").write_text(PIPELINE)
    moments = random.Random(9)
    hits, before = 0, {}
    for number in range(20):
        if number == 8:
            copy_clip(other, tmp_path / "videos" / "v1.mp4")
        run = start(tmp_path, tmp_path / "wild", "-j", "0")
        try:
            run.wait(timeout=moments.uniform(0.1, 1.7))
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            hits += 1
        now = committed(tmp_path / "wild")
        assert all(now[key] == seconds for key, seconds in before.items())
        before = now
    for workspace in ("wild", "calm"):
        last = start(tmp_path, tmp_path / workspace, "-j", "0")
        assert last.wait() == 0, last.stdout.read()
    assert hits > 1, "no run was killed: the test did not test"
    calm, wild = tables(tmp_path / "calm"), tables(tmp_path / "wild")
    assert calm
    for name, table in calm.items():
        found = wild[name]
        if name.startswith("annotations"):
            key = table.column_names[0]
            found = found.filter(pc.is_in(found[key], value_set=table[key].combine_chunks()))
        assert table.equals(found), name


@pytest.mark.parametrize("workers", ["0", "1"])
def test_ctrl_c_keeps_what_is_done_and_says_so(setting, tmp_path, workers):
    run = start(setting, tmp_path / "ws", "-j", workers)
    # Wait until some rows of the slow step are committed, then press Ctrl-C.
    wait_for_rows(run, tmp_path / "ws", "quality")
    os.killpg(run.pid, signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 130, output
    assert "interrupted" in output
    assert "Traceback" not in output
    kept = committed(tmp_path / "ws")
    again = start(setting, tmp_path / "ws", "-j", workers)
    assert again.wait() == 0, again.stdout.read()
    now = committed(tmp_path / "ws")
    assert all(now[key] == seconds for key, seconds in kept.items())
    leftovers = [p for p in (tmp_path / "ws").rglob("*") if "tmp" in p.name]
    assert not leftovers


def test_a_second_run_on_the_workspace_is_told_about_the_first(setting, tmp_path):
    go, config = tmp_path / "go", tmp_path / "waiting.yaml"
    config.write_text(PIPELINE.replace("{seconds: 0.08}", f"{{until: {go}}}"))
    first = start(setting, tmp_path / "ws", "-j", "0", config=config)
    wait_for_rows(first, tmp_path / "ws", "probe")
    second = start(setting, tmp_path / "ws", "-j", "0", config=config)
    output, _ = second.communicate(timeout=60)
    go.touch()
    assert second.returncode == 2, output
    assert str(first.pid) in output
    assert first.wait() == 0, first.stdout.read()
