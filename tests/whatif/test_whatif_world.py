"""What a question tells is what a real run with the changed pipeline decides."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from clipmill.config import SamplesStep
from clipmill.pipeline.recorded.last_run import require_last_run
from clipmill.pipeline.walk import walk
from clipmill.samples.table import sample_parts
from clipmill.store.workspace import Workspace
from clipmill.whatif import compare
from clipmill.whatif.compare import GAINED, GAINED_UNMEASURED, KEPT_UNMEASURED, LOST


def kept_by_run(workspace: Path) -> tuple[set[str], set[str]]:
    """Clips and objects in the samples that a run has written."""
    context, _ = require_last_run(str(workspace))
    clips, objects = set(), set()
    for step in context.pipeline.steps_of(SamplesStep):
        for path in sample_parts(context.workspace, step.samples):
            table = context.workspace.read_table(path, columns=["clip_id", "objects"])
            clips |= set(table["clip_id"].to_pylist())
            objects |= {o["object_id"] for row in table["objects"].to_pylist() for o in row}
    return clips, objects


def ids(table: pa.Table, change: str) -> set[str]:
    return set(table.filter(pc.equal(table["change"], change))["id"].to_pylist())


def test_the_last_run_is_what_it_has_decided(world, done):
    clips, _ = kept_by_run(done)
    now = world.now()
    assert set(now.kept.to_pylist()) == clips
    context, listing = require_last_run(str(done))
    reports = {report.title: report for report in walk(context, listing)}
    assert len(clips) > 10
    for outcome in now.steps:
        report = reports[outcome.settings.title]
        assert (outcome.entering, outcome.leaving) == (report.entering, report.leaving)
        assert outcome.cuts == report.cuts
        if report.kind != "samples":
            mine = report.verdicts.filter(pc.equal(report.verdicts["level"], "clip"))
            out = pc.is_in(mine["state"], value_set=pa.array(["dropped", "failed"]))
            rules = dict(
                zip(*(mine.filter(out)[n].to_pylist() for n in ("key", "rule")), strict=True)
            )
            keys = outcome.segment.keys.take(pa.array(outcome.out)).to_pylist()
            if outcome.segment.population.probed:
                assert dict(zip(keys, outcome.why["rule"].to_pylist(), strict=True)) == rules


CHANGES = [
    ("quality.rules.clarity.drop=[[0.0, 0.6]]",),
    ("quality.rules.text_area.max=0.5", "quality.rules.noise.drop=[[0.0, 0.1], [0.5, 1.0]]"),
    ("quality.min_population=100000",),
    ("basic.rules.width.min=64", "quality.rules.clarity.drop=[[0.3, 0.7]]"),
    ("objects.rules.num_objects.min=3",),
    ("cycle.rules.survival.min=0.5",),
    ("motion.rules.motion_strength.drop=[[0.5, 1.0]]", "motion.min_kept_points=0"),
    ("motion.min_kept_points=0.9",),
    ("windows.max_windows=1",),
    ("basic.rules.num_frames.above=0", "quality.rules.clarity.drop=[[0.9, 1.0]]"),
    ("basic.rules.width.min=0", "quality.rules.text_area.max=1"),
]


@pytest.mark.parametrize("settings", CHANGES, ids="; ".join)
def test_a_question_answers_as_a_run_does(settings, world, changed, run_with):
    """Twice: what has to be measured is told, and once it is, the answer is exact."""
    pipeline = changed(*settings)
    before, asked = world.now(), world.ask(pipeline)
    told = compare(before, asked)
    workspace = run_with(pipeline)
    clips, _ = kept_by_run(workspace)
    was = set(before.kept.to_pylist())
    gained, lost = ids(told.clips, GAINED), ids(told.clips, LOST)
    assert not gained & was
    assert lost <= was
    assert told.kept == len(was & set(asked.kept.to_pylist()))
    if told.exact:
        assert set(asked.kept.to_pylist()) == clips
        assert (gained, lost) == (clips - was, was - clips)
    else:
        # What has to be measured is just what a run computes at the first step that lacks it.
        waiting = next(outcome for outcome in asked.steps if len(outcome.waiting))
        assert len(ids(told.clips, GAINED_UNMEASURED) | ids(told.clips, KEPT_UNMEASURED)) > 0
        _, listing = require_last_run(str(workspace))
        context = asked.context
        reports = list(walk(context, listing))
        assert reports[-1].title == waiting.settings.title
        assert reports[-1].pending == len(waiting.waiting)
    again = type(world)(*require_last_run(str(workspace))).now()
    assert set(again.kept.to_pylist()) == clips
    _, objects = kept_by_run(workspace)
    # Objects without a surviving point are kept, and in no sample.
    assert objects <= set(again.kept_objects.to_pylist())
    difference = compare(before, again)
    assert ids(difference.clips, GAINED) == clips - was
    assert ids(difference.clips, LOST) == was - clips
    assert difference.exact


def test_every_change_has_its_step_and_reason(world, changed):
    told = compare(world.now(), world.ask(changed("quality.rules.clarity.drop=[[0.4, 1.0]]")))
    assert told.count(LOST)
    assert told.count(GAINED) + told.count(GAINED_UNMEASURED)
    lost = told.clips.filter(pc.equal(told.clips["change"], LOST))
    for row in lost.to_pylist():
        assert row["step"]
        if row["reason"] == "blurred":
            assert row["column"] == "quality.clarity"
            assert row["value"] >= row["threshold"]
    assert "blurred" in lost["reason"].to_pylist()
    counted = [count for level, change, *_, count in told.reasons() if level == "clip"]
    assert sum(counted) == told.clips.num_rows


def test_an_annotation_with_other_settings_has_to_be_measured(world, pipeline):
    steps = [
        step.model_copy(update={"backend": "embedded"})
        if getattr(step, "annotate", "") == "objects"
        else step
        for step in pipeline.steps
    ]
    told = compare(world.now(), world.ask(pipeline.model_copy(update={"steps": tuple(steps)})))
    assert told.kept == 0
    assert told.count(KEPT_UNMEASURED) == len(world.now().kept)


def test_nothing_is_written(world, changed, done):
    before = {p: p.stat().st_mtime_ns for p in done.rglob("*")}
    world.ask(changed("quality.rules.clarity.drop=[[0.1, 0.2]]"))
    assert {p: p.stat().st_mtime_ns for p in done.rglob("*")} == before
    assert Workspace.open(str(done), look=True).damages == []
