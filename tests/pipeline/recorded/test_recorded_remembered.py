"""Looking at a finished run walks nothing again, as long as everything is as it was."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pytest
from pipelines import pipeline_on, run

from clipmill.pipeline import walk
from clipmill.pipeline.recorded.last_run import require_last_run
from clipmill.pipeline.recorded.look import LastRun
from clipmill.pipeline.recorded.remembered import INDEX, recall
from clipmill.pipeline.verdicts import StepReport
from clipmill.store.workspace import Workspace
from media import copy_clip, make_clip

PIPELINE = """
name: remembered
steps:
  - annotate: probe
  - select: basic
    rules:
      - {column: probe.num_frames, above: 10, reason: too_few_frames}
  - split: windows
    max_frames: 12
    min_frames: 4
  - annotate: quality
    backend: content_backends:Quality
  - annotate: objects
    backend: content_backends:Objects
  - annotate: caption
  - annotate: tracks
    backend: content_backends:Tracks
  - samples: training
"""


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    first = make_clip(folder / "one.mp4", size=(64, 48), frames=30)
    copy_clip(first, folder / "copy.mp4")
    make_clip(folder / "short.mp4", size=(64, 48), frames=8)
    (folder / "broken.mp4").write_text("no video")
    return folder


def assert_same(found: Sequence[StepReport], wanted: Sequence[StepReport]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        for field in fields(StepReport):
            if field.name != "decided":
                assert getattr(one, field.name) == getattr(other, field.name), field.name
        assert one.verdicts.equals(other.verdicts)
        assert one.decided.reasons.equals(other.decided.reasons)
        for video_id in set(other.verdicts["video_id"].to_pylist()):
            assert one.decided.of_video(video_id).equals(other.decided.of_video(video_id))


def sample_files(workspace: Path) -> dict[Path, tuple[int, int]]:
    every = (workspace / "samples").rglob("*.parquet")
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in every}


def test_what_is_remembered_is_what_a_walk_gives(videos, tmp_path):
    workspace = tmp_path / "ws"
    summary = run(pipeline_on(videos, PIPELINE), workspace)
    walked = list(walk(*require_last_run(str(workspace))))
    remembered = recall(Workspace.open(workspace))
    assert remembered is not None
    assert_same(remembered, walked)
    assert_same(summary.reports, walked)
    assert walked[-1].kind == "samples"
    assert walked[-1].samples > 0 and walked[1].failed == 1 and walked[2].dropped == 1


def test_a_run_with_nothing_to_do_says_the_same_and_leaves_the_samples(videos, tmp_path):
    workspace = tmp_path / "ws"
    first = run(pipeline_on(videos, PIPELINE), workspace)
    before = sample_files(workspace)
    again = run(pipeline_on(videos, PIPELINE), workspace)
    assert_same(again.reports, first.reports)
    assert again.computed == dict.fromkeys(first.computed, 0)
    assert (again.samples, again.failed_kinds) == (first.samples, first.failed_kinds)
    assert sample_files(workspace) == before


def _drop_sample(workspace: Path) -> None:
    next((workspace / "samples").rglob("*.parquet")).unlink()


def _damage_selection(workspace: Path) -> None:
    path = next(p for p in (workspace / "selections").rglob("*.parquet") if "cuts" not in p.name)
    path.write_bytes(path.read_bytes()[:-20])


def _drop_rows(workspace: Path) -> None:
    shutil.rmtree(next((workspace / "annotations" / "quality").iterdir()))


def _damage_index(workspace: Path) -> None:
    (workspace / INDEX).write_text("{")


def _damage_verdicts(workspace: Path) -> None:
    path = workspace / Path(INDEX).parent / "01.parquet"
    path.write_bytes(path.read_bytes()[:40])


def _touch_list(workspace: Path) -> None:
    os.utime(workspace / "videos.parquet")


@pytest.mark.parametrize(
    "spoil",
    [_drop_sample, _damage_selection, _drop_rows, _damage_index, _damage_verdicts, _touch_list],
)
def test_it_is_walked_again_when_a_file_is_another_one(videos, tmp_path, spoil):
    workspace = tmp_path / "ws"
    first = run(pipeline_on(videos, PIPELINE), workspace)
    spoil(workspace)
    assert recall(Workspace.open(workspace)) is None
    again = run(pipeline_on(videos, PIPELINE), workspace)
    assert_same(again.reports, first.reports)
    assert_same(recall(Workspace.open(workspace)), first.reports)


def test_another_threshold_and_another_video_are_walked(videos, tmp_path):
    workspace = tmp_path / "ws"
    first = run(pipeline_on(videos, PIPELINE), workspace)
    looser = run(pipeline_on(videos, PIPELINE.replace("above: 10", "above: 5")), workspace)
    assert (first.reports[2].dropped, looser.reports[2].dropped) == (1, 0)
    make_clip(videos / "two.mp4", size=(64, 48), frames=50)
    more = run(pipeline_on(videos, PIPELINE), workspace)
    assert more.computed["probe"] == 1 and more.samples > first.samples


def test_a_run_that_stops_early_is_not_remembered(videos, tmp_path):
    workspace = tmp_path / "ws"
    run(pipeline_on(videos, PIPELINE), workspace)
    run(pipeline_on(videos, PIPELINE), workspace, until="quality")
    assert recall(Workspace.open(workspace)) is None
    look = LastRun(str(workspace))
    assert_same(look.reports, list(walk(*require_last_run(str(workspace)))))


def test_failures_that_are_to_be_tried_again_are(videos, tmp_path):
    workspace = tmp_path / "ws"
    run(pipeline_on(videos, PIPELINE), workspace)
    make_clip(tmp_path / "good.mp4", size=(64, 48), frames=20)
    again = run(pipeline_on(videos, PIPELINE), workspace, retry_failed=["decode"])
    assert again.computed["probe"] == 1


def test_samples_and_names_of_a_video_are_the_same_with_and_without_memory(videos, tmp_path):
    workspace = tmp_path / "ws"
    run(pipeline_on(videos, PIPELINE), workspace)
    remembering = LastRun(str(workspace))
    ids = remembering.listing.names()["video_id"].to_pylist()
    assert "broken.mp4" in remembering.names()["relative_path"].to_pylist()
    assert remembering.names().equals(remembering.listing.names())
    told = {i: (remembering.names_of(i), remembering.sample_ids(i)) for i in [*ids, "0" * 16]}
    (workspace / INDEX).unlink()
    walking = LastRun(str(workspace))
    assert walking.listing == remembering.listing
    for video_id, (names, samples) in told.items():
        assert names.equals(walking.names_of(video_id))
        assert samples == walking.sample_ids(video_id)
    assert any(samples for _, samples in told.values())
