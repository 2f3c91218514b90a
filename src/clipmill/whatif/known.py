"""What is on disk of steps that decide about each clip by itself: read once for all questions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.pipeline.context import Context, Stage, fingerprint_of
from clipmill.pipeline.population import ClipColumns, Flags, Ints, Population
from clipmill.pipeline.steps.annotate import Annotate
from clipmill.pipeline.steps.base import Step, Work
from clipmill.pipeline.steps.pending import objects_of, pending_keys
from clipmill.pipeline.steps.probe import ProbeStep
from clipmill.pipeline.steps.split import Split
from clipmill.pipeline.verdicts import OUT, StepReport
from clipmill.whatif.outcome import NOBODY, REASONS_OUT
from clipmill.whatif.segment import ClipSegment, Origin, SegmentObjects


@dataclass(frozen=True, eq=False)
class KnownRows:
    """The rows of an annotation beside the clips of a segment.

    Attributes:
        waiting: bool [n]: clips without a row that holds.
        bad: bool [n]: clips whose row failed.
        out: int64 [k]: rows of those, ascending.
        why: Rows of `REASONS_OUT`, one each.
    """

    waiting: Flags
    bad: Flags
    out: Ints
    why: pa.Table


@dataclass(frozen=True, eq=False)
class KnownChildren:
    """What the clips of a segment are cut into.

    Attributes:
        children: All parts.
        origin: Who is cut into what.
        out: int64 [k]: rows of files that are no clips, ascending.
        why: Rows of `REASONS_OUT`, one each.
        waiting: int64: rows of files that have to be probed first.
    """

    children: ClipSegment
    origin: Origin
    out: Ints = field(default_factory=lambda: NOBODY)
    why: pa.Table = field(default_factory=REASONS_OUT.empty_table)
    waiting: Ints = field(default_factory=lambda: NOBODY)


def known_rows(step: Annotate, context: Context, segment: ClipSegment) -> KnownRows:
    """Return what is known of an annotation."""
    stage = step.stage(context)
    return segment.once(
        ("rows", stage.fingerprint), lambda: _known_rows(step, stage, context, segment)
    )


def _known_rows(step: Annotate, stage: Stage, context: Context, segment: ClipSegment) -> KnownRows:
    waiting, reports, _ = _look(step, stage, context, segment.population)
    out, why = _out(reports, "key", segment.keys)
    bad = np.zeros(len(segment), bool)
    bad[out] = True
    return KnownRows(waiting, bad, out, why)


def _look(
    step: Step[Any], stage: Stage, context: Context, population: Population
) -> tuple[Flags, list[StepReport], Population]:
    """Apply a step to those that have a row; return who has none, what it did, and who is left."""
    pending = pending_keys(stage, context, population)
    waiting = np.asarray(pc.is_in(population.keys, value_set=pending))
    after, reports = population, []
    for applied in step.apply(context, population.keep(~waiting), Work(), fingerprint=""):
        after, report = applied
        reports.append(report)
    return waiting, reports, after


def _out(reports: Sequence[StepReport], name: str, keys: pa.Array) -> tuple[Ints, pa.Table]:
    """Return the rows of those that are out, ascending, and why they are."""
    verdicts = pa.concat_tables([report.verdicts for report in reports])
    verdicts = verdicts.filter(pc.is_in(verdicts["state"], value_set=pa.array(OUT)))
    place = pc.index_in(keys, value_set=verdicts[name].combine_chunks())
    out = np.flatnonzero(np.asarray(pc.is_valid(place)))
    return out, verdicts.select(REASONS_OUT.names).take(place.drop_null())


def known_files(step: ProbeStep, context: Context, segment: ClipSegment) -> KnownChildren:
    """Return the clips of all frames that files are, or the parts that a table asks for."""
    stage = step.stage(context)
    return segment.once(
        ("files", stage.fingerprint), lambda: _known_files(step, stage, context, segment)
    )


def _known_files(
    step: ProbeStep, stage: Stage, context: Context, segment: ClipSegment
) -> KnownChildren:
    files = segment.population
    waiting, reports, after = _look(step, stage, context, files)
    parent = np.searchsorted(files.clips.video, after.clips.video).astype(np.int64)
    origin = Origin(segment, parent, np.arange(len(after.clips)))
    out, why = _out(reports, "video_id", files.video_ids)
    childless = np.ones(len(segment), bool)
    childless[parent] = False
    gone = childless[out]
    return KnownChildren(
        ClipSegment(after, origin), origin, out[gone], why.filter(pa.array(gone)),
        np.flatnonzero(waiting),
    )  # fmt: skip


def known_children(step: Split[Any], context: Context, segment: ClipSegment) -> KnownChildren:
    """Return what every clip of a segment is cut into, where that is known."""
    read = [context.stages[name].fingerprint for name in step.reads]
    key = ("children", fingerprint_of(step.settings.model_dump(mode="json"), read))
    return segment.once(key, lambda: _known_children(step, context, segment))


def _known_children(step: Split[Any], context: Context, segment: ClipSegment) -> KnownChildren:
    known = np.arange(len(segment))
    for stage in (context.stages[name] for name in step.reads):
        if stage.backend.level == "clip":
            status = stage.table.status()
            ok = status.filter(pc.equal(status["status"], "ok"))["key"]
            known = np.intersect1d(known, segment.rows_of(ok))
    population = segment.population.with_clips(segment.population.clips.take(known))
    owner, parts = step.children(context, population)
    distinct = parts.distinct()
    origin = Origin(segment, known[owner], _rows_in(population, parts, distinct))
    return KnownChildren(ClipSegment(population.with_clips(distinct), origin), origin)


def _rows_in(population: Population, parts: ClipColumns, distinct: ClipColumns) -> Ints:
    if len(parts) == len(distinct):
        return np.arange(len(parts))
    keys, known = (population.with_clips(clips).keys for clips in (parts, distinct))
    return pc.index_in(keys, value_set=known).to_numpy().astype(np.int64)


def lacking_objects(stage: Stage, context: Context, objects: SegmentObjects) -> Flags:
    """Return which objects an annotation of kept objects has no entry of, bool [n].

    Those that it is never asked for are not lacking.
    """

    def look() -> Flags:
        done = objects_of(stage)["object_id"].combine_chunks()
        asked = objects_of(context.stages[stage.backend.kept_of])["object_id"].combine_chunks()
        there = pc.is_in(objects.keys, value_set=done)
        return np.asarray(pc.and_not(pc.is_in(objects.keys, value_set=asked), there))

    return objects.once(("lacking", stage.fingerprint), look)
