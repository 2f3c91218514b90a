"""Parts of videos keep to the content of their file, and each caption to its own part."""

import json
from pathlib import Path

import pytest
from pipelines import pipeline_on, run
from test_inputs_identity import PIPELINE, export

from clipmill.clips import Clip
from clipmill.errors import UsageError
from clipmill.export.content.facts.run_facts import gather_run_facts
from clipmill.export.job.gather import Gatherer
from clipmill.pipeline.inputs.changes import Changes
from clipmill.pipeline.recorded.last_run import last_run
from clipmill.samples.table import read_samples
from clipmill.store.workspace import Workspace
from media import make_clip

FIRST, SECOND = (0, 20), (20, 40)


@pytest.fixture
def table(tmp_path) -> Path:
    make_clip(tmp_path / "a.mp4", size=(64, 48), frames=40, fps=25)
    return write(tmp_path / "times.csv", "first", "second")


def write(table: Path, *texts: str) -> Path:
    rows = [
        f"a.mp4,{start},{end},{text}"
        for (start, end), text in zip((FIRST, SECOND), texts, strict=True)
    ]
    table.write_text("\n".join(("video,start_frame,end_frame,caption", *rows)) + "\n")
    return table


def texts(workspace: Path) -> dict[tuple[int, int], str]:
    return {(row.start, row.end): row.caption for row in read_samples(Workspace.open(workspace))}


def exported(out: Path) -> list[str]:
    rows = [json.loads(line) for line in (out / "samples.jsonl").open()]
    described = [json.loads((out / row["sample"]).read_text()) for row in rows]
    assert [one["caption"] for one in described] == [row["caption"] for row in rows]
    return [one["provided_text"] for one in described]


def test_another_caption_of_a_part_reaches_its_rows_and_exports_alone(table, tmp_path):
    ws = tmp_path / "ws"
    run(pipeline_on(table, PIPELINE), ws)
    assert texts(ws) == {FIRST: "first", SECOND: "second"}
    write(table, "first", "another")
    summary = run(pipeline_on(table, PIPELINE), ws)
    assert summary.computed["caption"] == 1
    assert summary.computed["probe"] == summary.computed["tracks"] == 0
    assert summary.changes == Changes(reworded=1)
    assert texts(ws) == {FIRST: "first", SECOND: "another"}
    export(ws, tmp_path / "out", "canonical")
    assert exported(tmp_path / "out") == ["first", "another"]


def test_captions_that_change_places_are_both_made_again(table, tmp_path):
    run(pipeline_on(table, PIPELINE), tmp_path / "ws")
    write(table, "second", "first")
    assert run(pipeline_on(table, PIPELINE), tmp_path / "ws").computed["caption"] == 2
    assert texts(tmp_path / "ws") == {FIRST: "second", SECOND: "first"}


def test_samples_with_an_older_caption_of_their_part_are_left_out(table, tmp_path):
    ws = tmp_path / "ws"
    run(pipeline_on(table, PIPELINE), ws)
    write(table, "first", "another")
    run(pipeline_on(table, PIPELINE), ws, until="caption")
    report = export(ws, tmp_path / "out", "canonical")
    assert exported(tmp_path / "out") == ["first"]
    assert any("another caption" in reason for reason in report.left_out)
    write(table, "second", "first")
    run(pipeline_on(table, PIPELINE), ws, until="caption")
    with pytest.raises(UsageError, match=r"none of the 2 samples .* another caption"):
        export(ws, tmp_path / "none", "canonical")


def test_a_moved_table_and_video_keep_their_work(table, tmp_path):
    run(pipeline_on(table, PIPELINE), tmp_path / "ws")
    (tmp_path / "there").mkdir()
    (tmp_path / "a.mp4").rename(tmp_path / "there" / "a.mp4")
    moved = table.rename(tmp_path / "there" / "times.csv")
    summary = run(pipeline_on(moved, PIPELINE), tmp_path / "ws")
    assert summary.computed == {"probe": 1} | dict.fromkeys(list(summary.computed)[1:], 0)
    assert summary.changes == Changes(moved=1)


def test_exports_get_the_frame_index_and_text_of_the_last_run(table, tmp_path):
    workspace = Workspace.open(tmp_path / "ws", create=True)
    run(pipeline_on(table, PIPELINE), tmp_path / "ws")
    facts = gather_run_facts(workspace)
    (video,) = facts.videos
    assert facts.text_of(Clip(video, *FIRST).clip_id) == "first"
    assert facts.text_of(Clip(video, 22, 39).clip_id) == "second"
    assert facts.text_of(Clip("0" * 16, *FIRST).clip_id) is None
    wanted = [row.sample_id for row in read_samples(workspace)]
    gatherer = Gatherer(workspace, facts, settings={})
    for task in gatherer.tasks("training", wanted, scratch=tmp_path):
        assert task.facts.index is not None
        assert task.facts.index.num_frames == 40
        assert task.facts.colours


def test_nothing_changed_writes_no_list_again(table, tmp_path):
    run(pipeline_on(table, PIPELINE), tmp_path / "ws")
    listed = tmp_path / "ws" / "videos.parquet"
    before = listed.stat().st_mtime_ns
    assert not run(pipeline_on(table, PIPELINE), tmp_path / "ws").changes
    assert listed.stat().st_mtime_ns == before


@pytest.mark.parametrize("damaged", ["videos.parquet", "clipmill.yaml"])
def test_a_shrunk_source_is_refused_by_the_copies_of_a_damaged_workspace(damaged, tmp_path):
    for number in range(3):
        make_clip(tmp_path / "in" / f"{number}.mp4", size=(64, 48), frames=12 + number)
    pipeline = pipeline_on(tmp_path / "in", PIPELINE)
    run(pipeline, tmp_path / "ws", until="probe")
    file = tmp_path / "ws" / damaged
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    for number in range(2):
        (tmp_path / "in" / f"{number}.mp4").rename(tmp_path / f"{number}.mp4")
    with pytest.raises(UsageError, match="holds 1 video, 3 in the last run"):
        run(pipeline, tmp_path / "ws", until="probe")
    for number in range(2):
        (tmp_path / f"{number}.mp4").rename(tmp_path / "in" / f"{number}.mp4")
    again = run(pipeline, tmp_path / "ws", until="probe")
    # A file that came back has another time of its inode, and is read again.
    assert again.computed == {"probe": 2} and not again.changes.changed
    context, listing = last_run(Workspace.open(tmp_path / "ws"))
    assert not context.workspace.damages
    assert len(listing.videos) == 3
