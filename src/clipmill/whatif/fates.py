"""Where, and why, clips and objects are out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.pipeline.population import Ints
from clipmill.whatif.segment import ClipSegment
from clipmill.whatif.world import Evaluation

CHANGE = pa.schema(
    [
        ("id", pa.string()),  # clip or object
        ("change", pa.string()),
        ("step", pa.string()),  # where it is, or was, out; empty where no step has seen it
        ("reason", pa.string()),
        ("column", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("at", pa.string()),  # the clip that is out: itself, or what it would be cut from
    ]
)
"""One row per clip or object of which two pipelines say something else."""

NEVER_CUT = "no such clip: its video is not there, or is cut otherwise"
NO_ROW = "no row yet"
WITH_CLIP = "goes with its clip"


def changes_of(
    evaluation: Evaluation,
    ids: pa.Array,
    change: str,
    *,
    waiting: str,
    rows: Ints | None = None,
) -> pa.Table:
    """Return why clips are out.

    Args:
        evaluation: Which does not keep them.
        ids: The clips, string [n].
        change: What to call it.
        waiting: What to call it where they have to be measured first.
        rows: int64 [n]: their rows among the clips behind its last step; found when None.
    """
    fates = _Fates(ids, change)
    last = evaluation.state.segment
    there = np.arange(len(ids))
    if rows is None:
        places = pc.index_in(ids, value_set=last.keys)
        there = np.flatnonzero(np.asarray(pc.is_valid(places)))
        rows = places.drop_null().to_numpy().astype(np.int64)
    fates.trace(evaluation, last, there, rows, waiting=waiting)
    return fates.table()


class _Fates:
    """Fates of clips, filled in step by step."""

    def __init__(self, ids: pa.Array, change: str) -> None:
        count = len(ids)
        self._ids, self._change = ids, change
        self._found: list[tuple[Ints, pa.Table]] = []
        self._left = np.ones(count, bool)

    def trace(
        self, evaluation: Evaluation, segment: ClipSegment, items: Ints, rows: Ints, *, waiting: str
    ) -> None:
        """Look for items at their rows in a segment, then for what they were cut from."""
        for outcome in reversed(evaluation.steps):
            if outcome.segment is not segment:
                continue
            hit, place = _found_in(outcome.out, rows)
            why = outcome.why.take(pa.array(place))
            self._note(segment, items[hit], rows[hit], outcome.settings.title, why)
            items, rows = items[~hit], rows[~hit]
            hit, _ = _found_in(outcome.waiting, rows)
            title = outcome.settings.title
            self._note(segment, items[hit], rows[hit], title, None, change=waiting)
            items, rows = items[~hit], rows[~hit]
        if segment.origin is not None and len(items):
            parents = segment.origin.first_parents(rows)
            self.trace(evaluation, segment.origin.segment, items, parents, waiting=waiting)

    def _note(
        self,
        segment: ClipSegment,
        items: Ints,
        rows: Ints,
        step: str,
        why: pa.Table | None,
        *,
        change: str = "",
    ) -> None:
        if not len(items):
            return
        columns: dict[str, Any] = {"reason": NO_ROW}
        if why is not None:
            columns = {"reason": why["rule"]}
            columns |= {name: why[name] for name in ("column", "value", "threshold")}
        columns |= {"change": change or self._change, "step": step}
        columns["at"] = segment.keys.take(pa.array(rows))
        self._found.append((items, self._rows(items, columns)))
        self._left[items] = False

    def table(self) -> pa.Table:
        """Return rows of `CHANGE`, in the order of the ids."""
        left = np.flatnonzero(self._left)
        if len(left):
            columns = {"reason": NEVER_CUT, "change": self._change, "step": ""}
            self._found.append((left, self._rows(left, columns)))
        if not self._found:
            return CHANGE.empty_table()
        order = np.argsort(np.concatenate([items for items, _ in self._found]))
        return pa.concat_tables(table for _, table in self._found).take(pa.array(order))

    def _rows(self, items: Ints, columns: Mapping[str, Any]) -> pa.Table:
        ids = self._ids.take(pa.array(items))
        return change_rows({"id": ids, "at": ids, **columns}, len(items))


def change_rows(columns: Mapping[str, Any], count: int) -> pa.Table:
    """Return rows of `CHANGE`: an array each, or one value for all rows; null where not given."""
    data = []
    for field in CHANGE:
        value = columns.get(field.name)
        if not isinstance(value, pa.Array | pa.ChunkedArray):
            value = pa.repeat(pa.scalar(value, field.type), count)
        data.append(value)
    return pa.table(data, schema=CHANGE)


def _found_in(some: Ints, rows: Ints) -> tuple[Any, Ints]:
    """Return which rows are among some ascending ones, and where those are."""
    place = np.searchsorted(some, rows)
    hit = place < len(some)
    hit[hit] = some[place[hit]] == rows[hit]
    return hit, place[hit]


def object_changes(evaluation: Evaluation, ids: pa.Array, change: str) -> pa.Table:
    """Return why objects are out: by a rule, or with their clip.

    Args:
        evaluation: Which does not keep them.
        ids: The objects, string [n].
        change: What to call it.
    """
    parts = []
    for outcome in evaluation.steps:
        if outcome.objects is None:
            continue
        gone = outcome.objects.objects.keys.take(pa.array(outcome.objects.rows))
        place = pc.index_in(ids, value_set=gone)
        hit = pc.is_valid(place)
        why = outcome.objects.why.take(place.drop_null())
        columns = {name: why[name] for name in ("column", "value", "threshold")}
        columns |= {"reason": why["rule"], "step": outcome.settings.title}
        columns |= {"id": ids.filter(hit), "change": change}
        parts.append(change_rows(columns, why.num_rows))
        ids = ids.filter(pc.invert(hit))
    with_clip = {"id": ids, "change": change, "step": "", "reason": WITH_CLIP}
    return pa.concat_tables([*parts, change_rows(with_clip, len(ids))])
