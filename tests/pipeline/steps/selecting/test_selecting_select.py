"""Selections inside a pipeline: percentiles over all sources, guards, scores that are none."""

import pytest
from pipelines import look, pipeline_on, run, states

from clipmill.config import SourceConfig
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.store.workspace import Workspace
from media import copy_clip, make_clip

TEXT = """
name: selection
steps:
  - annotate: probe
  - annotate: quality
    backend: pipelines:Scores
    config: {mode: MODE}
  - select: quality
    min_population: GUARD
    rules:
      - {column: quality.clarity, drop: [[0.0, LOW]], reason: blurred}
"""


def text(mode="number", guard=0, low=0.25):
    return TEXT.replace("MODE", mode).replace("GUARD", str(guard)).replace("LOW", str(low))


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    first = make_clip(folder / "a" / "v0.mp4", size=(64, 48), frames=5)
    for number in range(1, 8):
        copy_clip(first, folder / "a" / f"v{number}.mp4")
    copy_clip(first, folder / "a" / "bad.mp4")
    for number in range(3):
        (folder / "b").mkdir(exist_ok=True)
        copy_clip(first, folder / "b" / f"w{number}.mp4")
    return folder


def test_a_percentile_drops_its_share_and_says_why(videos, tmp_path):
    summary = run(pipeline_on(videos / "a", text()), tmp_path)
    report = summary.reports[-1]
    assert (report.entering, report.leaving, report.dropped) == (9, 7, 2)
    rows = [row for row in report.verdicts.to_pylist() if row["state"] == "dropped"]
    assert [row["rule"] for row in rows] == ["blurred", "blurred"]
    assert {row["rank"] for row in rows} == {1, 2}
    assert {row["population"] for row in rows} == {9}
    assert all(row["value"] <= row["threshold"] for row in rows)


def test_a_changed_percentile_computes_nothing(videos, tmp_path):
    run(pipeline_on(videos / "a", text()), tmp_path)
    summary = run(pipeline_on(videos / "a", text(low=0.5)), tmp_path)
    assert summary.computed == {"probe": 0, "quality": 0}
    assert summary.reports[-1].dropped == 4


def test_a_percentile_spans_all_sources(videos, tmp_path):
    pipeline = pipeline_on(videos, text()).model_copy(
        update={"sources": tuple(SourceConfig(path=str(videos / s)) for s in "ab")}
    )
    report = run(pipeline, tmp_path).reports[-1]
    assert (report.entering, report.dropped) == (12, 3)


def test_min_population_guards_a_small_set(videos, tmp_path):
    report = run(pipeline_on(videos / "a", text(guard=10)), tmp_path).reports[-1]
    assert report.dropped == 0
    assert report.cuts[0].guarded


def test_one_clip_in_the_population_is_not_deleted_by_a_percentile(videos, tmp_path):
    report = run(pipeline_on(videos / "a" / "v0.mp4", text(low=0.9)), tmp_path).reports[-1]
    assert (report.entering, report.leaving) == (1, 1)


def test_constant_scores_drop_nothing(videos, tmp_path):
    report = run(pipeline_on(videos / "a", text("constant")), tmp_path).reports[-1]
    assert report.dropped == report.failed == 0


@pytest.mark.parametrize("mode", ["nan", "missing"])
def test_a_score_that_is_no_number_is_a_failure_not_a_low_score(videos, tmp_path, mode):
    pipeline = pipeline_on(videos / "a", text(mode))
    summary = run(pipeline, tmp_path)
    assert (summary.reports[-1].failed, summary.reports[-1].dropped) == (1, 2)
    ended = states(summary.reports, VideoList.load(Workspace.open(tmp_path)))
    assert ended["bad.mp4"][0] == "failed"
    assert "clarity" in ended["bad.mp4"][1]
    population = {
        row["population"]
        for row in summary.reports[-1].verdicts.to_pylist()
        if row["state"] == "dropped"
    }
    assert population == {8}


def test_what_a_clip_does_not_have_is_no_failure(videos, tmp_path):
    rare = text("missing").replace("pipelines:Scores", "pipelines:RareScores")
    summary = run(pipeline_on(videos / "a", rare), tmp_path)
    report = summary.reports[-1]
    assert (report.entering, report.failed, report.dropped) == (9, 0, 2)
    ended = states(summary.reports, VideoList.load(Workspace.open(tmp_path)))
    assert ended["bad.mp4"][0] == "kept"
    assert report.cuts[0].population == 8


def test_verdicts_are_on_disk(videos, tmp_path):
    pipeline = pipeline_on(videos / "a", text())
    summary = run(pipeline, tmp_path)
    path = f"selections/quality/{summary.reports[-1].fingerprint}.parquet"
    stored = Workspace.open(tmp_path).read_table(path)
    assert stored.equals(summary.reports[-1].verdicts)
    assert look(pipeline, tmp_path)["quality selection"].verdicts.equals(stored)
