"""Selection steps: verdicts over columns, at clip or object level."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import Columns
from clipmill.config import SelectStep
from clipmill.pipeline.context import Context
from clipmill.pipeline.population import Flags, Ints, ObjectIds, Population
from clipmill.pipeline.steps.base import Applied, Problems, Step, Work
from clipmill.pipeline.steps.columns import clip_columns, object_table, unmeasured_columns
from clipmill.pipeline.steps.selecting.review import overruled
from clipmill.pipeline.steps.selecting.written import kept_on_disk
from clipmill.pipeline.verdicts import (
    StepReport,
    Verdicts,
    clip_verdicts,
    count_of,
    joined_verdicts,
    verdict_columns,
)
from clipmill.selection import Selection, drop_thin_groups, select
from clipmill.selection.rules import Rule, ValueRule


class Select(Step[SelectStep]):
    """Drops clips or objects by rules over columns; never looks at a video."""

    def check(self, known: Mapping[str, Columns]) -> Problems:
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
        yield after, kept_on_disk(self.settings, context, report, work, fingerprint=fingerprint)


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
    result = select_clips(step, context, population, clip_columns(context, population, columns))
    judged = result.verdicts
    after = population.keep(np.asarray(judged["kept"]))
    report = StepReport(
        title=step.title,
        kind="select",
        unit="clips",
        entering=len(population.clips),
        leaving=len(after.clips),
        dropped=count_of(judged["state"], "dropped"),
        failed=count_of(judged["state"], "failed"),
        decided=_as_verdicts(
            judged, level="clip", clip_id=judged["key"], video_id=population.video_ids
        ),
        cuts=tuple(result.cuts),
    )
    return after, report


def select_clips(
    step: SelectStep,
    context: Context,
    population: Population,
    table: pa.Table,
    *,
    ascending: Mapping[str, Ints] | None = None,
) -> Selection:
    """Return what the rules of a selection, and people who overrule them, say of clips.

    Args:
        step: The selection.
        context: Knows in which columns null is no failure, and what people said.
        population: The clips.
        table: `key` and the columns that the rules name, of the same clips.
        ascending: See `select`.
    """
    result = select(
        table,
        step.rules,
        key="key",
        min_population=step.min_population,
        unmeasured=unmeasured_columns(context, [rule.column for rule in step.rules]),
        ascending=ascending,
    )
    judged = overruled(context, step.select, population, result.verdicts)
    return replace(result, verdicts=judged)


def select_objects(
    step: SelectStep,
    table: pa.Table,
    *,
    anchors: pa.Array,
    weights: pa.Array,
    ascending: Mapping[str, Ints] | None = None,
) -> tuple[Selection, Flags]:
    """Return what the rules of a selection say of objects, and which kept ones go nevertheless.

    Args:
        step: The selection.
        table: `key` and the columns that the rules name.
        anchors: Anchor of each object, a text or number [n].
        weights: Points of each that survive, [n].
        ascending: See `select`.

    Returns:
        The outcome, and bool [n]: those that the rules keep, of whose anchor too few points
        belong to objects that are kept.
    """
    result = select(
        table, step.rules, key="key", min_population=step.min_population, ascending=ascending
    )
    kept = np.array(result.verdicts["kept"])
    if not step.min_kept_points or not kept.any():
        return result, np.zeros(len(kept), bool)
    weighed = {"group": anchors, "weight": pc.cast(weights, pa.float64()), "kept": pa.array(kept)}
    thin = drop_thin_groups(pa.table(weighed), min_share=step.min_kept_points)
    return result, kept & np.asarray(pc.is_in(anchors, value_set=thin))


def anchor_names(object_ids: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Return the anchors of objects, string [n]."""
    return pc.replace_substring_regex(object_ids, "(?s)^(.*)-o.*$", r"\1")


def thin_rule(step: SelectStep) -> str:
    """Return why an object goes because of its anchor."""
    return f"under {step.min_kept_points:g} of the anchor's points belong to kept objects"


def empty_rule(step: SelectStep) -> str:
    """Return why a clip goes because of its objects."""
    return f"no object left after the {step.title}"


def _as_verdicts(judged: pa.Table, **columns: Any) -> Verdicts:
    """Return the outcome of a selection as verdicts, with further columns."""
    own = {name: judged[name] for name in judged.column_names if name != "kept"}
    return verdict_columns(judged.num_rows, **own, **columns)


def _judge_objects(
    step: SelectStep, context: Context, population: Population
) -> tuple[Population, StepReport]:
    objects = object_table(context, population, [rule.column for rule in step.rules])
    member = pc.index_in(objects["clip_id"].combine_chunks(), value_set=population.keys)
    objects = objects.append_column("video_id", population.video_ids.take(member))
    result, thin = select_objects(
        step,
        objects.drop_columns(["clip_id", "video_id", "weight"]),
        anchors=anchor_names(objects["key"]) if step.min_kept_points else objects["key"],
        weights=objects["weight"],
    )
    # Verdicts come in the order of the objects.
    owners = {name: objects[name] for name in ("clip_id", "video_id")}
    decided = [_as_verdicts(result.verdicts, level="object", **owners)]
    kept = np.array(result.verdicts["kept"]) & ~thin
    if thin.any():
        decided.append(_thin_verdicts(step, objects.filter(pa.array(thin))))
    with_objects = np.zeros(len(population.clips), bool)
    with_objects[np.asarray(member)[kept]] = True
    after, empty = population.keep(with_objects), population.keep(~with_objects)
    decided.append(clip_verdicts(empty, state="dropped", rule=empty_rule(step)))
    report = StepReport(
        title=step.title,
        kind="select",
        unit="clips",
        entering=len(population.clips),
        leaving=len(after.clips),
        dropped=len(empty.clips),
        objects_dropped=int((~kept).sum()),
        decided=joined_verdicts(decided),
        cuts=tuple(result.cuts),
    )
    ids = ObjectIds(objects["key"].filter(pa.array(kept)))
    return replace(after, kept_objects=ids), report


def _thin_verdicts(step: SelectStep, objects: pa.Table) -> Verdicts:
    """Return the verdicts on objects that go because of their anchor."""
    return verdict_columns(
        objects.num_rows,
        key=objects["key"],
        level="object",
        clip_id=objects["clip_id"],
        video_id=objects["video_id"],
        state="dropped",
        rule=thin_rule(step),
        threshold=step.min_kept_points,
    )
