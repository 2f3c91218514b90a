"""Selection steps: verdicts over columns, at clip or object level."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import Columns
from clipmill.config import SelectStep
from clipmill.pipeline.context import Context
from clipmill.pipeline.missing import Missing
from clipmill.pipeline.population import Population
from clipmill.pipeline.steps.base import Applied, Problems, Step, Work
from clipmill.pipeline.steps.columns import clip_columns, object_table, unmeasured_columns
from clipmill.pipeline.verdicts import VERDICTS, StepReport, clip_verdict, verdict_table
from clipmill.selection import drop_thin_groups, select
from clipmill.selection.rules import Rule, ValueRule


class Select(Step[SelectStep]):
    """Drops clips or objects by rules over columns; never looks at a video."""

    def check(self, known: Mapping[str, Columns], missing: Missing) -> Problems:
        """See that earlier steps give the columns that the rules name."""
        return {
            ("rules", number, "column"): problem
            for number, rule in enumerate(self.settings.rules)
            if (problem := _check_column(self.settings, rule, known))
        }

    def apply(
        self, context: Context, population: Population, work: Work, *, fingerprint: str
    ) -> Iterator[Applied]:
        """Judge the population, and write the verdicts with cut value, rank and population."""
        judge = _judge_objects if self.settings.level == "object" else _judge_clips
        after, report = judge(self.settings, context, population)
        report = replace(report, fingerprint=fingerprint)
        if work.execute is not None:
            path = f"selections/{self.settings.select}/{fingerprint}"
            context.workspace.write_table(f"{path}.parquet", report.verdicts)
            cuts = pa.Table.from_pylist([asdict(cut) for cut in report.cuts])
            context.workspace.write_table(f"{path}.cuts.parquet", cuts)
        yield after, report


def _check_column(step: SelectStep, rule: Rule, given: Mapping[str, Columns]) -> str:
    column = rule.column
    annotation, _, name = column.partition(".")
    known = given.get(annotation)
    if known is None:
        return f"select: {step.select}: column '{column}': no earlier step computes '{annotation}'"
    if name in known.texts:
        if isinstance(rule, ValueRule) and step.level == "clip":
            return ""
        return (
            f"select: {step.select}: '{column}' is a text: keep some of its values at clip level "
            "with one_of, for example one_of: [bt709, unknown]"
        )
    if known.numbers and name not in known.numbers:
        names = sorted(known.numbers | (known.texts if isinstance(rule, ValueRule) else set()))
        return (
            f"select: {step.select}: '{annotation}' has no column '{name}'; "
            f"there are: {', '.join(names)}"
        )
    return ""


def _judge_clips(
    step: SelectStep, context: Context, population: Population
) -> tuple[Population, StepReport]:
    columns = [rule.column for rule in step.rules]
    table = clip_columns(context, population, columns)
    result = select(
        table,
        step.rules,
        key="key",
        min_population=step.min_population,
        unmeasured=unmeasured_columns(context, columns),
    )
    states = dict(
        zip(result.verdicts["key"].to_pylist(), result.verdicts["state"].to_pylist(), strict=True)
    )
    left = tuple(clip for clip in population.clips if states[clip.clip_id] == "kept")
    videos = {clip.clip_id: clip.video_id for clip in population.clips}
    verdicts = _as_verdicts(
        result.verdicts, level="clip", clip_of={key: key for key in videos}, video_of=videos
    )
    counts = list(states.values())
    report = StepReport(
        title=step.title,
        kind="select",
        unit="clips",
        entering=len(population.clips),
        leaving=len(left),
        dropped=counts.count("dropped"),
        failed=counts.count("failed"),
        verdicts=verdicts,
        cuts=tuple(result.cuts),
    )
    return replace(population, clips=left), report


def _as_verdicts(
    table: pa.Table, *, level: str, clip_of: Mapping[str, str], video_of: Mapping[str, str]
) -> pa.Table:
    keys = table["key"].to_pylist()
    clips = [clip_of[key] for key in keys]
    data = {name: table[name] for name in table.column_names if name != "kept"}
    data["level"] = pa.array([level] * len(keys), pa.string())
    data["clip_id"] = pa.array(clips, pa.string())
    data["video_id"] = pa.array([video_of[clip] for clip in clips], pa.string())
    return pa.table({field.name: data[field.name] for field in VERDICTS}).cast(VERDICTS)


def _judge_objects(
    step: SelectStep, context: Context, population: Population
) -> tuple[Population, StepReport]:
    objects = object_table(context, population, [rule.column for rule in step.rules])
    result = select(
        objects.drop_columns(["clip_id", "weight"]),
        step.rules,
        key="key",
        min_population=step.min_population,
    )
    clip_of = dict(zip(objects["key"].to_pylist(), objects["clip_id"].to_pylist(), strict=True))
    video_of = {clip.clip_id: clip.video_id for clip in population.clips}
    verdicts = _as_verdicts(result.verdicts, level="object", clip_of=clip_of, video_of=video_of)
    kept = set(verdicts.filter(pc.equal(verdicts["state"], "kept"))["key"].to_pylist())
    thin = _thin_anchor_verdicts(step, objects, kept, clip_of, video_of)
    kept -= {row["key"] for row in thin}
    with_objects = {clip_of[key] for key in kept}
    left = tuple(clip for clip in population.clips if clip.clip_id in with_objects)
    empty = [
        clip_verdict(clip, "dropped", f"no object left after the {step.title}")
        for clip in population.clips
        if clip.clip_id not in with_objects
    ]
    report = StepReport(
        title=step.title,
        kind="select",
        unit="clips",
        entering=len(population.clips),
        leaving=len(left),
        dropped=len(empty),
        objects_dropped=len(clip_of) - len(kept),
        verdicts=pa.concat_tables([verdicts, verdict_table(thin), verdict_table(empty)]),
        cuts=tuple(result.cuts),
    )
    return replace(population, clips=left, kept_objects=frozenset(kept)), report


def _thin_anchor_verdicts(
    step: SelectStep,
    objects: pa.Table,
    kept: set[str],
    clip_of: Mapping[str, str],
    video_of: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Objects that go because too few points of their anchor belong to kept objects."""
    if not step.min_kept_points or not kept:
        return []
    anchors = [_anchor_of(key) for key in objects["key"].to_pylist()]
    table = pa.table(
        {
            "group": pa.array(anchors, pa.string()),
            "weight": pc.cast(objects["weight"], pa.float64()),
            "kept": pc.is_in(objects["key"], value_set=pa.array(sorted(kept), pa.string())),
        }
    )
    thin = set(drop_thin_groups(table, min_share=step.min_kept_points).to_pylist())
    rule = f"under {step.min_kept_points:g} of the anchor's points belong to kept objects"
    return [
        {
            "key": key,
            "level": "object",
            "clip_id": clip_of[key],
            "video_id": video_of[clip_of[key]],
            "state": "dropped",
            "rule": rule,
            "threshold": step.min_kept_points,
        }
        for key in sorted(kept)
        if _anchor_of(key) in thin
    ]


def _anchor_of(object_id: str) -> str:
    return object_id.rpartition("-o")[0]
