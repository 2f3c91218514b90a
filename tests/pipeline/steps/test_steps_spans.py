"""Rows that name parts of a video by start and end make its clips."""

import json
from pathlib import Path

import pytest
from pipelines import look, pipeline_on, run

from clipmill.config import SourceConfig
from clipmill.pipeline import walk
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.store.workspace import Workspace
from media import make_clip

PROBE = "name: p\nsteps:\n  - annotate: probe\n"
CAPTIONS = """
name: captions
steps:
  - annotate: probe
  - split: windows
    max_frames: 40
    min_frames: 5
  - annotate: objects
  - annotate: caption
"""


@pytest.fixture
def video(tmp_path) -> Path:
    return make_clip(tmp_path / "a.mp4", size=(160, 96), frames=50, fps=25)


def table(folder: Path, text: str, name: str = "times.csv") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder / name


def clips_of(pipeline, workspace: Path) -> tuple[list[tuple[int, int]], list[str]]:
    """Frame ranges after the rows' times were applied, and the reasons of those that are out."""
    report = look(pipeline, workspace)["times"]
    rows = report.verdicts.to_pylist()
    rules = [row["rule"] for row in rows if row["state"] == "split"]
    names = [name for rule in rules for name in rule.removeprefix("into ").split(", ")]
    ranges = [(int(name.split("-")[1]), int(name.split("-")[2])) for name in names]
    return ranges, [row["rule"] for row in rows if row["state"] == "dropped"]


@pytest.mark.parametrize(
    "text",
    [
        "video,start,end,caption\na.mp4,0.0,0.8,first\na.mp4,0.8,2.0,second\n",
        "video,start_frame,end_frame,caption\na.mp4,0,20,first\na.mp4,20,50,second\n",
        "video,start,end,caption\na.mp4,0:00:00.000,0:00:00.800,first\na.mp4,0.8,,second\n",
        # Rounded to hundredths, and an end a little beyond the last frame.
        "video,start,end,caption\na.mp4,,0.81,first\na.mp4,0.81,2.5,second\n",
    ],
)
def test_two_rows_are_two_clips_with_a_caption_each(tmp_path, video, text):
    pipeline = pipeline_on(table(tmp_path, text), CAPTIONS)
    done = run(pipeline, tmp_path / "ws")
    assert done.computed == {"probe": 1, "objects": 2, "caption": 2}
    assert clips_of(pipeline, tmp_path / "ws") == ([(0, 20), (20, 50)], [])
    assert captions(pipeline, tmp_path / "ws") == {(0, 20): "first", (20, 50): "second"}
    assert run(pipeline, tmp_path / "ws").computed == {"probe": 0, "objects": 0, "caption": 0}


def captions(pipeline, workspace: Path) -> dict[tuple[int, int], str]:
    opened = Workspace.open(workspace)
    context = Context(opened, pipeline)
    stage = context.stages["caption"]
    keys = stage.table.status()["key"].to_pylist()
    rows = stage.table.read(keys)
    return {
        (int(key.split("-")[1]), int(key.split("-")[2])): row.captions[0].text
        for key, row in rows.items()
    }


def test_parts_that_overlap_share_their_windows_and_the_shortest_part_names_them(tmp_path, video):
    rows = "a.mp4,0,40,early\na.mp4,0,50,whole\n"
    pipeline = pipeline_on(
        table(tmp_path, f"video,start_frame,end_frame,caption\n{rows}"), CAPTIONS
    )
    run(pipeline, tmp_path / "ws")
    assert captions(pipeline, tmp_path / "ws") == {(0, 40): "early", (40, 50): "whole"}


def test_parts_without_frames_are_out_with_their_line_and_the_way_out(tmp_path, video):
    rows = [
        "a.mp4,0,1,first",
        "a.mp4,10,20,behind the end",
        "a.mp4,0,50,frames taken for seconds",
        "a.mp4,1.001,1.009,between two frames",
    ]
    path = table(tmp_path, "video,start,end,caption\n" + "\n".join(rows))
    pipeline = pipeline_on(path, PROBE)
    run(pipeline, tmp_path / "ws", until="probe")
    ranges, reasons = clips_of(pipeline, tmp_path / "ws")
    assert ranges == [(0, 25)]
    assert [reason.split(":")[0] for reason in reasons] == ["line 3", "line 4", "line 5"]
    assert "reach beyond the end of the video (2)" in reasons[0]
    assert "`times`" in reasons[1]
    assert "hold no frame" in reasons[2]


def test_times_may_be_counted_otherwise_or_ignored(tmp_path, video):
    path = table(tmp_path, "video,start,end,caption\na.mp4,0,20,first\na.mp4,20,50,second\n")
    for times, expected in (("frames", [(0, 20), (20, 50)]), ("ignore", None)):
        source = SourceConfig(path=str(path), times=times)
        pipeline = pipeline_on(path, PROBE).model_copy(update={"sources": (source,)})
        workspace = tmp_path / f"ws-{times}"
        run(pipeline, workspace)
        if expected is None:
            assert "times" not in look(pipeline, workspace)
            (found,) = VideoList.load(Workspace.open(workspace)).videos
            assert (found.text, found.spans) == ("first", ())
        else:
            assert clips_of(pipeline, workspace) == (expected, [])


def test_rows_with_times_that_cannot_be_read_cost_themselves(tmp_path, video):
    lines = [
        {"video": "a.mp4", "start": 0, "end": 1, "caption": "good"},
        {"video": "a.mp4", "start": 1, "end": "late", "caption": "bad"},
        {"video": "a.mp4", "start": 0, "end": 1, "caption": "the same part again"},
        {"video": "a.mp4", "caption": "the whole video"},
    ]
    path = table(tmp_path, "\n".join(map(json.dumps, lines)), "times.jsonl")
    pipeline = pipeline_on(path, PROBE)
    run(pipeline, tmp_path / "ws")
    opened = Workspace.open(tmp_path / "ws")
    listing = VideoList.load(opened)
    assert [(p.state, p.reason) for p in listing.problems] == [
        ("failed", "line 2: its end 'late' is not seconds or h:mm:ss"),
        ("dropped", "line 3: same file as a.mp4, same part"),
        ("dropped", "line 4: same file as a.mp4, of which rows name parts"),
    ]
    assert clips_of(pipeline, tmp_path / "ws") == ([(0, 25)], [])
    reports = list(walk(Context(opened, pipeline), listing))
    assert [(r.title, r.leaving) for r in reports] == [("source", 1), ("probe", 1), ("times", 1)]
