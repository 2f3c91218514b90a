"""`clipmill check`: damaged files are found, looked past, moved aside and computed again."""

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pipelines import BASIC, pipeline_on, run, tables

from media import make_clip


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    make_clip(folder / "videos" / "good.mp4", size=(480, 320), frames=105)
    make_clip(folder / "videos" / "short.mp4", size=(480, 320), frames=20)
    (folder / "p.yaml").write_text(BASIC)
    return folder


@pytest.fixture
def rerun(clipmill, shelf, tmp_path):
    """Run the pipeline; returns the rows computed by annotation."""

    def again() -> dict[str, int]:
        code, out, err = clipmill(
            "run", "-i", shelf / "videos", "-c", shelf / "p.yaml", "-w", tmp_path / "ws",
            "-j", 0, "--json",
        )  # fmt: skip
        assert code == 0, err
        computed: dict[str, int] = json.loads(out)["computed"]
        return computed

    return again


@pytest.fixture(scope="module")
def whole(shelf) -> Path:
    """A workspace after a run; to be copied."""
    run(pipeline_on(shelf / "videos"), shelf / "ws")
    return shelf / "ws"


@pytest.fixture
def workspace(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "ws"))


def truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0x40
    path.write_bytes(bytes(data))


FILES = [
    "workspace.json",
    "clipmill.yaml",
    "stages.json",
    "videos.parquet",
    "annotations/probe/*/part-*.parquet",
    "annotations/shots/*/part-*.parquet",
    "annotations/shots/*/manifest.json",
]
"""Every kind of file of a workspace, selections aside, which nothing reads."""


@pytest.mark.parametrize("damage", [truncate, empty])
@pytest.mark.parametrize("pattern", FILES)
def test_a_damaged_file_is_looked_past_then_repaired(clipmill, rerun, workspace, pattern, damage):
    before = tables(workspace)
    (path,) = workspace.glob(pattern)
    damage(path)
    bytes_then = path.read_bytes()
    relative = str(path.relative_to(workspace))

    for command in (["status"], ["status", "--json"], ["why", "short.mp4"], ["failed"]):
        code, out, err = clipmill(*command, "-w", workspace)
        assert code == 0, err
        assert "Traceback" not in out + err
        if not relative.endswith("manifest.json"):  # nothing that looks reads it
            assert path.name in err and "clipmill check --repair" in err
    code, out, _ = clipmill("check", "-w", workspace)
    assert code == 1
    assert f"damaged: {relative}" in out
    assert path.read_bytes() == bytes_then

    code, out, err = clipmill("check", "--repair", "-w", workspace)
    assert code == 0, err
    assert f"moved to damaged/{relative}" in out
    assert (workspace / "damaged" / relative).read_bytes() == bytes_then
    assert clipmill("check", "-w", workspace)[0] == 0
    assert clipmill("status", "-w", workspace)[2] == ""

    lost = {"probe": 2, "shots": 1}
    name = relative.split("/")[1] if relative.endswith("parquet") and "/" in relative else ""
    assert rerun() == {"probe": 0, "shots": 0} | ({name: lost[name]} if name else {})
    shutil.rmtree(workspace / "damaged")
    after = tables(workspace)
    assert before.keys() == after.keys()
    assert all(before[name].equals(after[name]) for name in before)


def test_what_is_shown_before_a_repair_is_the_last_run(clipmill, workspace):
    whole = clipmill("status", "--json", "-w", workspace)[1]
    for name in ("workspace.json", "clipmill.yaml", "stages.json", "videos.parquet"):
        truncate(workspace / name)
    assert clipmill("status", "--json", "-w", workspace)[1] == whole
    assert "too_few_frames: 20 (cut 100)" in clipmill("why", "short.mp4", "-w", workspace)[1]


def test_a_pipeline_file_cut_at_a_step_is_no_shorter_pipeline(clipmill, workspace):
    path = workspace / "clipmill.yaml"
    text = path.read_text()
    path.write_text(text[: text.index("- split: windows")])
    code, out, err = clipmill("status", "--json", "-w", workspace)
    assert code == 0
    assert "its end is missing" in err
    assert [step["title"] for step in json.loads(out)["steps"]][-1] == "shot split"


def test_a_flipped_bit_costs_the_rows_of_its_part(clipmill, rerun, workspace):
    (part,) = workspace.glob("annotations/probe/*/part-*.parquet")
    rows = pq.read_metadata(part).num_rows
    flip(part)
    code, out, _ = clipmill("check", "--repair", "--json", "-w", workspace)
    assert code == 0
    (found,) = json.loads(out)["damages"]
    assert found["damage"]["rows"] in (rows, None)
    assert "computed again" in found["then"]
    assert rerun() == {"probe": 2, "shots": 0}


def test_a_run_on_a_damaged_workspace_names_the_way_out(clipmill, shelf, workspace):
    truncate(next(workspace.glob("annotations/probe/*/part-*.parquet")))
    code, _, err = clipmill(
        "run", "-i", shelf / "videos", "-c", shelf / "p.yaml", "-w", workspace, "-j", 0
    )
    assert code == 1
    assert "clipmill check --repair" in err
    (workspace / "workspace.json").write_bytes(b"")
    code, _, err = clipmill(
        "run", "-i", shelf / "videos", "-c", shelf / "p.yaml", "-w", workspace, "-j", 0
    )
    assert code == 1
    assert "it is empty" in err and "clipmill check --repair" in err


def test_damage_without_a_copy_is_told(clipmill, rerun, workspace):
    shutil.rmtree(workspace / "backup")
    empty(workspace / "videos.parquet")
    code, _, err = clipmill("status", "-w", workspace)
    assert code == 1
    assert "videos.parquet cannot be read" in err and "clipmill check --repair" in err
    code, out, _ = clipmill("check", "--repair", "-w", workspace)
    assert code == 0
    assert "run again with the same --input" in out
    assert rerun() == {"probe": 0, "shots": 0}
    assert clipmill("status", "-w", workspace)[0] == 0


def test_a_sound_workspace_and_a_missing_one(clipmill, workspace, tmp_path):
    code, out, _ = clipmill("check", "-w", workspace)
    assert code == 0
    assert "every file" in out and "can be read" in out
    assert clipmill("check", "-w", tmp_path / "nowhere")[0] == 2


def test_the_same_file_damaged_twice_is_kept_twice(clipmill, rerun, workspace):
    for _ in range(2):
        truncate(workspace / "videos.parquet")
        assert clipmill("check", "--repair", "-w", workspace)[0] == 0
    assert len(list((workspace / "damaged").iterdir())) == 2


@pytest.fixture
def open_folder():
    """A folder that any user may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def nobody():
    """Be a user for whom permissions hold."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_file_that_may_not_be_read_is_no_damage(clipmill, workspace, open_folder):
    shutil.copytree(workspace, open_folder / "ws")
    assert clipmill("check", "--repair", "-w", open_folder / "ws")[0] == 0
    part = next((open_folder / "ws").glob("annotations/probe/*/part-*.parquet"))
    part.chmod(0)
    with nobody():
        code, _, err = clipmill("check", "--repair", "-w", open_folder / "ws")
    assert code == 1
    assert f"cannot read {part}: " in err and "ermission" in err
    assert part.is_file()


def test_damaged_dates_cost_no_row(clipmill, rerun, workspace):
    (path,) = workspace.glob("dates/shots/*.parquet")
    truncate(path)
    assert clipmill("status", "-w", workspace)[2] == ""
    assert "damaged: dates/shots/" in clipmill("check", "-w", workspace)[1]
    code, out, err = clipmill("check", "--repair", "-w", workspace)
    assert (code, "none is lost" in out) == (0, True), err
    assert rerun() == {"probe": 0, "shots": 0}
