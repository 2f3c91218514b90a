"""A run begins only where nothing is missing that its work needs."""

import pytest
from model_server import VARIABLE, model_server
from pipelines import pipeline_on, run, tables

from clipmill.config import load_profile
from clipmill.errors import UsageError
from media import copy_clip, make_clip

SERVED = """
name: served
steps:
  - annotate: probe
  - annotate: quality
    backend: model_server:ServedScores
  - select: sharp
    rules: [{column: quality.clarity, min: %s}]
"""


@pytest.fixture
def videos(tmp_path):
    make_clip(tmp_path / "in" / "a.mp4", size=(64, 48), frames=12)
    return tmp_path / "in"


def test_frameino_says_all_that_is_missing_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(tmp_path / "weights"))
    with pytest.raises(UsageError) as caught:
        run(load_profile("frameino"), tmp_path / "ws")
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("profile frameino cannot run here yet")
    assert len(lines) <= 10
    assert lines[-1].endswith("clipmill models pull --profile frameino")
    for name in ("autoshot", "oneformer", "vggt4track", "cotracker3", "sam2"):
        assert name in str(caught.value)
    assert not list((tmp_path / "ws").rglob("*.parquet"))


def test_a_server_is_asked_before_any_work_and_only_for_work(tmp_path, videos, monkeypatch):
    workspace = tmp_path / "ws"
    with model_server() as server:
        server.models = ["tiny"]
        monkeypatch.setenv(VARIABLE, server.url)
        assert run(pipeline_on(videos, SERVED % 0.0), workspace).computed["quality"] == 1
    before = tables(workspace)

    # It is gone. Another threshold needs none of it.
    summary = run(pipeline_on(videos, SERVED % 2.0), workspace)
    assert summary.computed["quality"] == 0 and summary.reports[-1].dropped == 1

    # Another video does: nothing is done, not even its probe.
    copy_clip(videos / "a.mp4", videos / "b.mp4")
    with (videos / "b.mp4").open("ab") as file:
        file.write(b"\0" * 64)
    with pytest.raises(UsageError, match=r"quality .*does not answer.*serve tiny"):
        run(pipeline_on(videos, SERVED % 0.0), workspace)
    after = tables(workspace)
    assert after["annotations/probe/" + _name(after)].equals(
        before["annotations/probe/" + _name(before)]
    )

    # Up to where nothing is asked, all of it is done.
    assert run(pipeline_on(videos, SERVED % 0.0), workspace, until="probe").computed == {"probe": 1}


def _name(found):
    (name,) = [key.split("/")[2] for key in found if key.startswith("annotations/probe/")]
    return name


def test_a_first_run_asks_before_it_lists(tmp_path, videos, monkeypatch):
    with model_server() as server:
        url = server.url
    monkeypatch.setenv(VARIABLE, url)
    with pytest.raises(UsageError, match=f"{url} does not answer"):
        run(pipeline_on(videos, SERVED % 0.0), tmp_path / "ws")
    assert {path.name for path in (tmp_path / "ws").iterdir()} <= {"workspace.json"}
