"""What a run has to do, against what it then does."""

from pathlib import Path

import pytest
from pipelines import BASIC, pipeline_on, run

from clipmill.config.overrides import with_settings
from clipmill.pipeline.context import Context
from clipmill.pipeline.forecast import StepForecast, forecast
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.recorded.last_run import identified
from clipmill.sources import list_sources
from clipmill.store.workspace import Workspace
from media import make_clip

SCORED = f"{BASIC}  - annotate: quality\n    backend: pipelines:Scores\n"


@pytest.fixture
def videos(tmp_path) -> Path:
    for name, frames in (("a", 105), ("b", 106)):
        make_clip(tmp_path / "videos" / f"{name}.mp4", size=(480, 320), frames=frames)
    make_clip(tmp_path / "videos" / "short.mp4", size=(480, 320), frames=20)
    (tmp_path / "videos" / "broken.mp4").write_text("no video")
    return tmp_path / "videos"


def told(pipeline, workspace: Path, **options) -> dict[str, StepForecast]:
    context = Context(Workspace.open(workspace, create=True), pipeline, recorded={})
    listing = identified(VideoList.of(list_sources(pipeline.sources)), context)
    options = {"shares": {}} | options
    return {step.title: step for step in forecast(context, listing, **options)}


def files(workspace: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in workspace.rglob("*") if path.is_file()}


def test_before_the_first_run_all_is_pending_and_nothing_measured(videos, tmp_path):
    steps = told(pipeline_on(videos, SCORED), tmp_path / "ws")
    assert (steps["probe"].pending, steps["probe"].exact, steps["probe"].unit) == (
        4,
        True,
        "videos",
    )
    for title in ("shots", "quality"):
        assert (steps[title].pending, steps[title].exact) == (4, False)
        assert steps[title].seconds(1) is None


def test_behind_pending_work_shares_count(videos, tmp_path):
    shares = {"basic selection": 0.5, "shot split": 3.0}
    steps = told(pipeline_on(videos, SCORED), tmp_path / "ws", shares=shares)
    assert [steps[title].pending for title in ("probe", "shots", "quality")] == [4, 2, 6]


def test_after_a_run_nothing_is_pending(videos, tmp_path):
    pipeline = pipeline_on(videos, SCORED)
    summary = run(pipeline, tmp_path / "ws")
    before = files(tmp_path / "ws")
    steps = told(pipeline, tmp_path / "ws")
    assert all(step.exact and not step.pending and step.seconds(2) == 0 for step in steps.values())
    entering = {report.title: report.entering for report in summary.reports}
    assert {title: step.entering for title, step in steps.items()} == {
        title: count for title, count in entering.items() if title != "source"
    }
    assert files(tmp_path / "ws") == before


def test_what_is_told_is_what_the_run_computes(videos, tmp_path):
    pipeline = pipeline_on(videos, SCORED)
    run(pipeline, tmp_path / "ws")
    make_clip(videos / "c.mp4", size=(480, 320), frames=104)
    steps = told(pipeline, tmp_path / "ws")
    assert [steps[title].pending for title in ("probe", "shots", "quality")] == [1, 1, 1]
    cost = steps["shots"].cost
    assert cost is not None and cost.rows == 2 and cost.same and cost.seconds > 0
    assert steps["shots"].seconds(1) == pytest.approx(cost.seconds)
    # Of 4 videos, one is broken and one too short: of the new one the same is expected.
    assert steps["shots"].entering == 3 and not steps["shots"].exact
    assert run(pipeline, tmp_path / "ws").computed == {"probe": 1, "shots": 1, "quality": 1}


def test_a_changed_setting_is_measured_by_the_rows_of_the_last_one(videos, tmp_path):
    pipeline = pipeline_on(videos, SCORED)
    run(pipeline, tmp_path / "ws")
    changed = with_settings(pipeline, ["shots.config.threshold=0.4"])
    steps = told(changed, tmp_path / "ws")
    assert (steps["shots"].pending, steps["shots"].exact) == (2, True)
    assert steps["shots"].cost is not None and not steps["shots"].cost.same
    computed = run(changed, tmp_path / "ws").computed
    assert computed["shots"] == 2


def test_failures_that_are_retried_are_counted(videos, tmp_path):
    pipeline = pipeline_on(videos, SCORED)
    run(pipeline, tmp_path / "ws")
    assert told(pipeline, tmp_path / "ws", retry={"decode"})["probe"].pending == 1


def test_it_ends_with_the_last_step(videos, tmp_path):
    assert list(told(pipeline_on(videos, SCORED), tmp_path / "ws", until="windows")) == [
        "probe", "basic selection", "window split",
    ]  # fmt: skip
