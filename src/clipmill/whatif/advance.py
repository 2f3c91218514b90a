"""What each kind of step does to who is in, with flags over clips in place of tables of them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import singledispatch
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.config import SelectStep
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.population import Flags, Ints, ObjectIds, Population
from clipmill.pipeline.steps.annotate import Annotate
from clipmill.pipeline.steps.base import Step, Work
from clipmill.pipeline.steps.probe import ProbeStep
from clipmill.pipeline.steps.samples import NO_SAMPLE, Samples
from clipmill.pipeline.steps.selecting.select import (
    Select,
    empty_rule,
    select_clips,
    select_objects,
    thin_rule,
)
from clipmill.pipeline.steps.split import Split
from clipmill.selection import QuantileRule, Selection
from clipmill.whatif.known import known_children, known_files, known_rows, lacking_objects
from clipmill.whatif.outcome import (
    NOBODY,
    REASONS_OUT,
    Judged,
    ObjectsOut,
    State,
    StepOutcome,
)
from clipmill.whatif.segment import KeptObjects

Advanced = tuple[State, StepOutcome]

SAMPLED = ("objects.area", "tracks.survival")
"""Columns of annotations that an object of a sample is in; it has points that survive."""


@singledispatch
def advance(step: Step[Any], context: Context, state: State) -> Advanced:
    """Return who is in behind a step, and what it would do; nothing is computed or written.

    Of a kind of step that is not known here the step itself is asked.

    Args:
        step: The step.
        context: Workspace and pipeline.
        state: Who is in before it.

    Raises:
        UsageError: It cannot be foreseen, as it cuts clips in a way that is not known here.
    """
    kept = ObjectIds(state.objects.ids) if state.objects else None
    some = replace(state.segment.population.keep(state.alive), kept_objects=kept)
    reports = list(step.apply(context, some, Work(), fingerprint=""))
    after = reports[-1][0]
    rows = state.segment.rows_of(after.keys)
    if len(rows) != len(after.clips):
        raise UsageError(f"what {step.settings.title} would do cannot be told before it is run")
    verdicts = pa.concat_tables([report.verdicts for _, report in reports])
    verdicts = verdicts.filter(pc.equal(verdicts["level"], "clip"))
    alive = np.zeros(len(state.alive), bool)
    alive[rows] = True
    out = np.flatnonzero(state.alive & ~alive)
    place = pc.index_in(state.segment.keys.take(out), value_set=verdicts["key"].combine_chunks())
    why = verdicts.select(REASONS_OUT.names).take(place)
    objects = _objects_after(context, state, after)
    return State(state.segment, alive, objects), _outcome(step, state, alive, out=out, why=why)


def _objects_after(context: Context, state: State, after: Population) -> KeptObjects | None:
    """Return the objects that a step has kept, where it knows of objects."""
    if after.kept_objects is None:
        return state.objects
    every = state.objects.objects if state.objects else state.segment.objects(context, SAMPLED)
    flags = np.asarray(pc.is_in(every.keys, value_set=after.kept_objects.ids))
    return KeptObjects(every, flags)


@advance.register
def _(step: ProbeStep, context: Context, state: State) -> Advanced:
    found = known_files(step, context, state.segment)
    out, waiting = found.out[state.alive[found.out]], found.waiting[state.alive[found.waiting]]
    alive = _born(found.origin.parent, found.origin.child, state.alive, len(found.children))
    why = found.why.filter(pa.array(state.alive[found.out]))
    outcome = replace(
        _outcome(step, state, state.alive, out=out, why=why, waiting=waiting),
        leaving=int(alive.sum()),
    )
    return State(found.children, alive), outcome


@advance.register
def _(step: Annotate, context: Context, state: State) -> Advanced:
    found = known_rows(step, context, state.segment)
    waits = state.alive & found.waiting
    stage = step.stage(context)
    if stage.backend.kept_of and state.objects is not None:
        objects = state.objects.objects
        lacks = lacking_objects(stage, context, objects) & state.objects.flags
        again = np.zeros(len(state.alive), bool)
        again[objects.clip[lacks]] = True
        waits |= state.alive & again & ~found.bad
    fails = state.alive[found.out]
    alive = state.alive & ~waits & ~found.bad
    return replace(state, alive=alive), _outcome(
        step,
        state,
        alive,
        out=found.out[fails],
        why=found.why.filter(pa.array(fails)),
        waiting=np.flatnonzero(waits),
    )


@advance.register(Split)
def _(step: Split[Any], context: Context, state: State) -> Advanced:
    found = known_children(step, context, state.segment)
    alive = _born(found.origin.parent, found.origin.child, state.alive, len(found.children))
    childless = np.ones(len(state.alive), bool)
    childless[found.origin.parent] = False
    out = np.flatnonzero(state.alive & childless)
    outcome = _outcome(step, state, state.alive, out=out, why=_same_why(step.reason, len(out)))
    return State(found.children, alive, state.objects), replace(outcome, leaving=int(alive.sum()))


@advance.register
def _(step: Select, context: Context, state: State) -> Advanced:
    if type(step) is not Select:  # one that decides in another way
        return advance.dispatch(Step)(step, context, state)
    judge = _of_objects if step.settings.level == "object" else _of_clips
    return judge(step, context, state)


@advance.register
def _(step: Samples, context: Context, state: State) -> Advanced:
    objects = state.segment.objects(context, SAMPLED)
    tracked = np.asarray(objects.table["weight"]) > 0
    if state.objects is not None:
        tracked &= state.objects.among(objects)
    sampled = np.zeros(len(state.alive), bool)
    sampled[objects.clip[tracked]] = True
    alive = state.alive & sampled
    out = np.flatnonzero(state.alive & ~sampled)
    return replace(state, alive=alive), _outcome(
        step, state, alive, out=out, why=_same_why(NO_SAMPLE, len(out))
    )


def _of_clips(step: Select, context: Context, state: State) -> Advanced:
    settings, rows = step.settings, np.flatnonzero(state.alive)
    table = state.segment.columns(context, [rule.column for rule in settings.rules])
    entering = state.segment.population.keep(state.alive)
    ascending = state.segment.ascending(context, _ranked_columns(settings), state.alive)
    numbered = _numbered(table, rows)
    result = select_clips(settings, context, entering, numbered, ascending=ascending)
    kept = np.asarray(result.verdicts["kept"])
    alive = np.zeros(len(state.alive), bool)
    alive[rows[kept]] = True
    return replace(state, alive=alive), replace(
        _outcome(step, state, alive, out=rows[~kept], why=_why(result, ~kept)),
        judged=_judged(table, rows, result, ascending),
        cuts=result.cuts,
    )


def _of_objects(step: Select, context: Context, state: State) -> Advanced:
    settings = step.settings
    objects = state.segment.objects(context, [rule.column for rule in settings.rules])
    there = state.alive[objects.clip]
    if state.objects is not None:
        there &= state.objects.among(objects)
    rows = np.flatnonzero(there)
    anchors = objects.anchors if settings.min_kept_points else pa.array(rows)
    table = objects.table.drop_columns(["weight"])
    ascending = objects.ascending(_ranked_columns(settings), there)
    result, thin = select_objects(
        settings,
        _numbered(table, rows),
        anchors=anchors.take(pa.array(rows)) if settings.min_kept_points else anchors,
        weights=objects.table["weight"].take(pa.array(rows)),
        ascending=ascending,
    )
    kept = np.asarray(result.verdicts["kept"]) & ~thin
    flags = np.zeros(len(objects), bool)
    flags[rows[kept]] = True
    filled = np.zeros(len(state.alive), bool)
    filled[objects.clip[flags]] = True
    alive = state.alive & filled
    out = np.flatnonzero(state.alive & ~filled)
    outcome = _outcome(step, state, alive, out=out, why=_same_why(empty_rule(settings), len(out)))
    after = State(state.segment, alive, KeptObjects(objects, flags))
    return after, replace(
        outcome,
        objects=ObjectsOut(objects, rows[~kept], _object_why(settings, result, kept, thin)),
        judged=_judged(table, rows, result, ascending),
        cuts=result.cuts,
    )


def _ranked_columns(settings: SelectStep) -> list[str]:
    """Return the columns that a selection takes percentiles of."""
    ranked = (rule.column for rule in settings.rules if isinstance(rule, QuantileRule))
    return list(dict.fromkeys(ranked))


def _numbered(table: pa.Table, rows: Ints) -> pa.Table:
    """Return some rows with their number as key: who is dropped does not depend on names."""
    some = table if len(rows) == table.num_rows else table.take(pa.array(rows))
    return some.add_column(0, "key", pa.array(rows))


def _judged(
    table: pa.Table, rows: Ints, result: Selection, ascending: Mapping[str, Ints]
) -> Judged:
    kept = np.asarray(result.verdicts["kept"])
    ranked = kept | np.asarray(result.verdicts["rank"].is_valid())
    return Judged(table, rows, kept, ranked, ascending)


def _why(result: Selection, out: Flags) -> pa.Table:
    return result.verdicts.select(REASONS_OUT.names).filter(pa.array(out))


def _object_why(step: SelectStep, result: Selection, kept: Flags, thin: Flags) -> pa.Table:
    if not thin.any():
        return _why(result, ~kept)
    parts = [_why(result, ~kept & ~thin), _same_why(thin_rule(step), int(thin.sum()))]
    place = np.concatenate([np.flatnonzero(~kept & ~thin), np.flatnonzero(thin)])
    return pa.concat_tables(parts).take(pa.array(np.argsort(place)))


def _same_why(rule: str, count: int) -> pa.Table:
    columns = {"state": pa.repeat("dropped", count), "rule": pa.repeat(rule, count)}
    return pa.table(
        [columns.get(field.name, pa.nulls(count, field.type)) for field in REASONS_OUT],
        schema=REASONS_OUT,
    )


def _born(parent: Ints, child: Ints, alive: Flags, count: int) -> Flags:
    """Return which children have a parent that is in, bool [count]."""
    flags = np.zeros(count, bool)
    flags[child[alive[parent]]] = True
    return flags


def _outcome(
    step: Step[Any],
    state: State,
    alive: Flags,
    *,
    out: Ints = NOBODY,
    why: pa.Table,
    waiting: Ints = NOBODY,
) -> StepOutcome:
    return StepOutcome(
        settings=step.settings,
        segment=state.segment,
        entering=int(state.alive.sum()),
        leaving=int(alive.sum()),
        out=out,
        why=why,
        waiting=waiting,
    )
