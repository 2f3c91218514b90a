"""The commands as a user types them."""

import json

import pytest
from pipelines import BASIC

from clipmill.pipeline.inputs.videos import VideoList
from clipmill.store.workspace import Workspace
from media import make_clip


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Videos and a pipeline file."""
    folder = tmp_path_factory.mktemp("shelf")
    make_clip(folder / "videos" / "good.mp4", size=(480, 320), frames=105)
    make_clip(folder / "videos" / "sub" / "short.mp4", size=(480, 320), frames=20)
    (folder / "videos" / "broken [x].mp4").write_text("no video")
    (folder / "p.yaml").write_text(BASIC)
    return folder


@pytest.fixture
def done(clipmill, shelf, tmp_path):
    """A workspace after a run in this process."""
    code, _, err = clipmill(
        "run", "-i", shelf / "videos", "-c", shelf / "p.yaml", "-w", tmp_path / "ws", "-j", 0
    )
    assert code == 0
    assert "basic selection: 2 clips in, 1 on, 1 dropped" in err
    return tmp_path / "ws"


def test_status_shows_the_funnel(clipmill, done):
    code, out, _ = clipmill("status", "-w", done)
    assert code == 0
    assert "1 x too_few_frames" in out
    data = json.loads(clipmill("status", "-w", done, "--json")[1])["steps"]
    assert [(step["title"], step["entering"], step["leaving"]) for step in data] == [
        ("source", 3, 3),
        ("probe", 3, 2),
        ("basic selection", 2, 1),
        ("window split", 1, 1),
        ("shots", 1, 1),
        ("shot split", 1, 1),
    ]
    assert data[2]["reasons"] == {"too_few_frames": 1}


@pytest.mark.parametrize("name", ["short.mp4", "sub/short.mp4", "its id"])
def test_why_takes_ids_and_paths(clipmill, done, name):
    if name == "its id":
        listed = VideoList.load(Workspace.open(done)).videos
        (name,) = (v.video_id for v in listed if v.relative_path == "sub/short.mp4")
    code, out, _ = clipmill("why", name, "-w", done)
    assert code == 0
    assert "too_few_frames: 20 (cut 100)" in out


def test_why_of_a_failed_video_names_the_error(clipmill, done):
    out = clipmill("why", "broken [x].mp4", "-w", done)[1]
    assert "failed at probe: decode:" in out
    data = json.loads(clipmill("why", "broken [x].mp4", "-w", done, "--json")[1])["stories"]
    assert data[0]["verdicts"][0]["state"] == "failed"


def test_why_of_something_unknown_is_wrong_usage(clipmill, done):
    code, _, err = clipmill("why", "nothing.mp4", "-w", done)
    assert code == 2
    assert "nothing.mp4" in err


def test_failed_lists_failures(clipmill, done):
    rows = json.loads(clipmill("failed", "-w", done, "--json")[1])["failures"]
    assert [(row["step"], row["path"]) for row in rows] == [("probe", "broken [x].mp4")]
    assert "broken [x].mp4" in clipmill("failed", "-w", done)[1]


def test_strict_turns_failures_into_exit_code_1(clipmill, shelf, done):
    arguments = ("run", "-i", shelf / "videos", "-c", shelf / "p.yaml", "-w", done, "-j", 0)
    assert clipmill(*arguments)[0] == 0
    assert clipmill(*arguments, "--strict")[0] == 1


def test_json_of_a_run(clipmill, shelf, done):
    arguments = ("run", "-i", shelf / "videos", "-c", shelf / "p.yaml", "-w", done, "-j", 0)
    data = json.loads(clipmill(*arguments, "--json")[1])
    assert data["computed"] == {"probe": 0, "shots": 0}
    assert data["failed"] == 1


def test_retry_failed_computes_failures_again(clipmill, shelf, done):
    arguments = ("run", "-i", shelf / "videos", "-c", shelf / "p.yaml", "-w", done, "-j", 0)
    data = json.loads(clipmill(*arguments, "--json", "--retry-failed")[1])
    assert data["computed"] == {"probe": 1, "shots": 0}


def test_a_typo_in_the_pipeline_file_is_exit_code_2_with_its_line(clipmill, shelf, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text(BASIC.replace("min: 400", "mim: 400"))
    code, _, err = clipmill("run", "-i", shelf / "videos", "-c", bad, "-w", tmp_path / "ws")
    assert code == 2
    assert "bad.yaml:8:" in err.replace("\n", "")
    assert not (tmp_path / "ws").exists()


def test_wrong_usage(clipmill, shelf, tmp_path):
    assert clipmill("run", "--nonsense")[0] == 2
    assert clipmill("run", "-w", tmp_path / "ws")[0] == 2
    assert clipmill("status", "-w", tmp_path / "nowhere")[0] == 2
    code, _, err = clipmill("run", "-i", tmp_path / "nowhere", "-w", tmp_path / "ws2")
    assert code == 2
    assert "does not exist" in err


def test_init_writes_a_file_that_runs_and_is_never_overwritten(clipmill, tmp_path):
    path = tmp_path / "mine.yaml"
    assert clipmill("init", path)[0] == 0
    assert "annotate: probe" in path.read_text()
    assert clipmill("init", path)[0] == 2


def test_help_teaches(clipmill):
    code, out, _ = clipmill("--help")
    assert code == 0
    for name in ("demo", "init", "run", "status", "why", "failed", "report", "export"):
        assert name in out


def test_backends_lists_every_annotation(clipmill):
    out = clipmill("backends")[1]
    for name in ("probe", "shots", "quality", "objects", "camera", "caption", "tracks", "inout"):
        assert name in out
