"""Clips, scores and samples of a real run, as tables."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pipelines import pipeline_on, run
from truthful_run import SCENES
from typer.testing import CliRunner

import clipmill
from clipmill.cli.app import app
from clipmill.clips import Clip
from clipmill.errors import UsageError
from clipmill.samples.table import read_samples
from clipmill.store.workspace import Workspace
from media import make_clip


def by_path(table: pa.Table) -> dict[str, dict]:
    return {row["path"]: row for row in table.to_pylist()}


def test_nothing_vanishes(results):
    clips = results.clips()
    rows = by_path(clips)
    assert set(rows) == {*SCENES, "broken <b>.mp4", "zero.mp4"}
    assert len(rows) == clips.num_rows
    for row in rows.values():
        assert (row["status"] == "kept") == (row["reason"] is None) == (row["step"] is None)
        assert (row["num_samples"] > 0) == (row["status"] == "kept")
        if row["clip_id"] is None:
            assert row["start"] is row["end"] is row["num_frames"] is None
        else:
            clip = Clip.parse(row["clip_id"])
            assert (clip.video_id, clip.start, clip.end) == (
                row["video_id"],
                row["start"],
                row["end"],
            )
            assert row["num_frames"] == SCENES[row["path"]].shots[0].num_frames


def test_clips_say_which_rule_decided(results):
    rows = by_path(results.clips())
    wanted = ("status", "step", "reason", "column", "value", "threshold")
    narrow = [rows["narrow.mp4"][name] for name in wanted]
    assert narrow == ["dropped", "basic selection", "resolution", "probe.width", 240, 300]
    blurred = rows["blurred.mp4"]
    assert (blurred["reason"], blurred["rank"], blurred["population"]) == ("blurred", 1, 7)
    assert rows["still.mp4"]["step"] == "motion selection"
    assert (rows["zero.mp4"]["status"], rows["zero.mp4"]["step"]) == ("failed", "probe")
    assert "0 bytes" in rows["zero.mp4"]["reason"]


def test_clips_are_told_as_by_why(results):
    """Each ends as the command line says."""
    for row in results.clips().to_pylist():
        told = CliRunner().invoke(
            app, ["why", row["clip_id"] or row["video_id"], "-w", results.workspace, "--json"]
        )
        (story,) = json.loads(told.stdout)["stories"]
        if row["status"] == "kept":
            assert len(story["samples"]) == row["num_samples"] > 0
        else:
            assert story["outcome"].startswith(f"{row['status']} at {row['step']}: {row['reason']}")


@pytest.mark.parametrize(
    ("status", "count"),
    [("kept", 4), ("dropped", 5), ("failed", 3), ("pending", 0), (["dropped", "failed"], 8)],
)
def test_clips_can_be_asked_for_by_status(results, status, count):
    found = results.clips(status)
    assert found.num_rows == count
    assert set(found["status"].to_pylist()) <= ({status} if isinstance(status, str) else {*status})


def test_a_misspelt_status_is_an_error_not_an_empty_table(results):
    with pytest.raises(UsageError, match=r"'keep'.*kept"):
        results.clips("keep")


def test_scores_are_those_of_the_annotations(results):
    scores = by_path(results.scores())
    assert scores["narrow.mp4"]["probe.width"] == 240
    assert scores["narrow.mp4"]["quality.clarity"] is None  # it did not come that far
    clips = by_path(results.clips())
    assert scores["blurred.mp4"]["quality.clarity"] == clips["blurred.mp4"]["value"]
    assert "zero.mp4" not in scores


def test_scores_of_objects_have_their_own_verdicts(results):
    objects = results.scores(level="object", columns=["tracks.motion_strength", "objects.area"])
    assert objects.column_names[-2:] == ["tracks.motion_strength", "objects.area"]
    rows = objects.to_pylist()
    assert len({row["object_id"] for row in rows}) == len(rows)
    still = [row for row in rows if row["status"] == "dropped"]
    assert {row["reason"] for row in still} == {"moves too little"}
    assert {row["clip_id"] for row in still} == {by_path(results.clips())["still.mp4"]["clip_id"]}
    kept = results.scores("kept", level="object")
    assert set(kept["object_id"].to_pylist()) == {
        entry.object_id
        for sample in read_samples(Workspace.open(results.workspace))
        for entry in sample.objects
    }


def test_wrong_questions_name_what_there_is(results):
    with pytest.raises(UsageError, match=r"quality\.clarity"):
        results.scores(columns=["quality.clearness"])
    with pytest.raises(UsageError, match="clip or object"):
        results.scores(level="video")
    with pytest.raises(UsageError, match="caption_origin"):
        results.samples(columns=["text"])
    with pytest.raises(UsageError, match="1 or 2"):
        results.samples(stage=3)


def test_samples_are_those_on_disk(results):
    stored = list(read_samples(Workspace.open(results.workspace)))
    samples = results.samples()
    assert samples["sample_id"].to_pylist() == [row.sample_id for row in stored]
    assert "objects" not in samples.column_names
    ready = results.samples(stage=2, columns=["sample_id"])
    assert ready.column_names == ["sample_id"]
    assert ready["sample_id"].to_pylist() == [row.sample_id for row in stored if row.stage2]
    assert 0 < ready.num_rows < samples.num_rows
    objects = results.samples(columns=["objects"])["objects"].to_pylist()
    assert [len(entries) for entries in objects] == [row.num_objects for row in stored]


def test_tables_become_data_frames(results):
    frame = results.clips().to_pandas()
    assert frame.groupby("status").size()["kept"] == 4
    merged = frame.merge(results.scores(columns=["probe.width"]).to_pandas(), on="clip_id")
    assert merged["probe.width"].min() == 240


SPLIT = """
name: split
steps:
  - annotate: probe
  - annotate: quality
    backend: pipelines:Scores
  - split: windows
    max_frames: 40
    min_frames: 30
  - select: length
    rules:
      - {column: clip.num_frames, min: 35, reason: too short}
"""


def test_clips_that_were_cut_have_the_scores_of_what_they_were_cut_from(tmp_path):
    make_clip(tmp_path / "videos" / "a.mp4", frames=75)
    make_clip(tmp_path / "videos" / "b.mp4", frames=20)
    run(pipeline_on(tmp_path / "videos", SPLIT), tmp_path / "ws")
    results = clipmill.open(tmp_path / "ws")
    rows = [
        (r["path"], r["start"], r["end"], r["status"], r["reason"])
        for r in results.clips().to_pylist()
    ]
    assert rows == [
        ("a.mp4", 0, 40, "kept", None),
        ("a.mp4", 40, 75, "kept", None),
        ("b.mp4", 0, 20, "dropped", "shorter than 30 frames"),
    ]
    first, second, other = results.scores()["quality.clarity"].to_pylist()
    assert first == second != other
    assert results.scores()["probe.num_frames"].to_pylist() == [75, 75, 20]
    assert results.scores(level="object").num_rows == 0
    assert results.samples().num_rows == 0


PARTS = """
name: parts
steps:
  - annotate: probe
"""


def test_a_part_without_frames_is_told_beside_the_others(tmp_path):
    make_clip(tmp_path / "a.mp4", frames=75)
    table = tmp_path / "table.csv"
    table.write_text("path,start,end\na.mp4,0,1\na.mp4,100,110\na.mp4,1,2\n")
    run(pipeline_on(table, PARTS), tmp_path / "ws")
    rows = clipmill.open(tmp_path / "ws").clips().to_pylist()
    assert [(r["start"], r["end"], r["status"]) for r in rows] == [
        (None, None, "dropped"),
        (0, 25, "kept"),
        (25, 50, "kept"),
    ]
    assert "reach beyond the end" in rows[0]["reason"]


def test_an_unfinished_run_has_pending_clips_and_no_samples(tmp_path):
    make_clip(tmp_path / "videos" / "a.mp4", frames=75)
    pipeline = pipeline_on(tmp_path / "videos", SPLIT)
    run(pipeline, tmp_path / "ws", until="probe")
    results = clipmill.open(tmp_path / "ws")
    (row,) = results.clips("pending").to_pylist()
    assert (row["step"], row["end"]) == ("quality", 75)
    with pytest.warns(UserWarning, match="1 clips have no quality row"):
        assert results.samples().num_rows == 0
    with pytest.raises(UsageError, match="not finished"):
        results.sample(f"{row['clip_id']}-a00000")


def test_a_folder_without_a_run_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(UsageError, match="no clipmill workspace"):
        clipmill.open(tmp_path)
    Workspace.open(tmp_path, create=True)
    with pytest.raises(UsageError, match="clipmill run --input"):
        clipmill.open(Path(tmp_path))


def test_damaged_files_are_named_and_left_out(tmp_path):
    make_clip(tmp_path / "videos" / "a.mp4", frames=75)
    run(pipeline_on(tmp_path / "videos", SPLIT), tmp_path / "ws")
    (part,) = (tmp_path / "ws" / "annotations" / "quality").rglob("part-*.parquet")
    part.write_bytes(b"PAR1 no more")
    with pytest.warns(UserWarning, match="check --repair") as told:
        assert clipmill.open(tmp_path / "ws").clips()["status"].to_pylist() == ["pending"]
    assert part.name in str(told[0].message)
