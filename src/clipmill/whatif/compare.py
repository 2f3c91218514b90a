"""What is gained and lost between two pipelines, or two runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.pipeline.population import Ints
from clipmill.whatif.fates import CHANGE, NO_ROW, change_rows, changes_of, object_changes
from clipmill.whatif.past import PastRun
from clipmill.whatif.world import Evaluation

GAINED, LOST = "gained", "lost"
GAINED_UNMEASURED, KEPT_UNMEASURED = "gained, not measured yet", "kept, to be measured again"


@dataclass(frozen=True, eq=False)
class Difference:
    """What changes.

    Attributes:
        kept: Clips that both keep.
        clips: Rows of `CHANGE`: clips that are gained, lost, or to be measured before it is known.
        kept_objects: Objects that both keep; None where neither selects objects.
        objects: Rows of `CHANGE`: objects that are gained or lost.
    """

    kept: int
    clips: pa.Table
    kept_objects: int | None
    objects: pa.Table

    def count(self, change: str) -> int:
        """Return how many clips have changed in a way."""
        return int(pc.sum(pc.equal(self.clips["change"], change)).as_py() or 0)

    @property
    def exact(self) -> bool:
        """Whether a run decides just so; else clips are to be measured first."""
        return not self.count(GAINED_UNMEASURED) and not self.count(KEPT_UNMEASURED)

    def reasons(self) -> Iterator[tuple[str, str, str, str, int]]:
        """Yield (level, change, step, reason, count), most frequent first within a change."""
        for level, table in (("clip", self.clips), ("object", self.objects)):
            keys = ["change", "step", "reason"]
            counts = table.select(keys).group_by(keys).aggregate([([], "count_all")])
            order = [(name, "ascending") for name in keys]
            counts = counts.sort_by(
                [("change", "ascending"), ("count_all", "descending"), *order[1:]]
            )
            for row in counts.to_pylist():
                yield level, row["change"], row["step"], row["reason"], row["count_all"]


def compare(before: Evaluation | PastRun, after: Evaluation | PastRun) -> Difference:
    """Return what is gained and lost from one to the other.

    Clips are compared by their ids, which name content and frames: also those of two workspaces.
    """
    if isinstance(before, PastRun) or isinstance(after, PastRun):
        return _compare_kept(before, after)
    gained, gone = _only(after, before), _only(before, after)
    lost = changes_of(after, gone.ids, LOST, waiting=KEPT_UNMEASURED, rows=gone.rows)
    new = changes_of(before, gained.ids, GAINED, waiting=GAINED, rows=gained.rows)
    kept = int(after.state.alive.sum()) - len(gained.ids)
    kept_objects, objects = _objects(before, after)
    clips = pa.concat_tables([new, lost, _unmeasured(before, after, lost)])
    return Difference(kept, clips, kept_objects, objects)


def _compare_kept(before: Evaluation | PastRun, after: Evaluation | PastRun) -> Difference:
    """Compare by what is kept alone: of a run that is over there is no more."""
    gained = _missing_in(before.kept, after.kept)
    lost = _clip_changes(after, _missing_in(after.kept, before.kept), LOST)
    clips = [_clip_changes(before, gained, GAINED), lost]
    if isinstance(after, Evaluation):
        clips.append(_unmeasured(before, after, lost))
    was, now = before.kept_objects, after.kept_objects
    kept_objects, objects = None, [CHANGE.empty_table()]
    if was is not None and now is not None:
        new = _missing_in(was, now)
        kept_objects = len(now) - len(new)
        objects.append(_object_changes(before, new, GAINED))
        objects.append(_object_changes(after, _missing_in(now, was), LOST))
    kept = len(after.kept) - len(gained)
    return Difference(kept, pa.concat_tables(clips), kept_objects, pa.concat_tables(objects))


def _missing_in(some: pa.Array, others: pa.Array) -> pa.Array:
    """Return those of the others that are not among some."""
    return others.filter(pc.invert(pc.is_in(others, value_set=some)))


def _clip_changes(side: Evaluation | PastRun, ids: pa.Array, change: str) -> pa.Table:
    if isinstance(side, PastRun):
        return side.clip_changes(ids, change)
    return changes_of(side, ids, change, waiting=KEPT_UNMEASURED if change == LOST else change)


def _object_changes(side: Evaluation | PastRun, ids: pa.Array, change: str) -> pa.Table:
    if isinstance(side, PastRun):
        return side.object_changes(ids, change)
    return object_changes(side, ids, change)


class _Only(NamedTuple):
    """Clips that one keeps and the other does not.

    Attributes:
        ids: string [n].
        rows: int64 [n]: among the clips behind the last step of both; None where those differ.
    """

    ids: pa.Array
    rows: Ints | None


def _only(one: Evaluation, other: Evaluation) -> _Only:
    if one.state.segment is other.state.segment:
        # Most questions: no name is looked at.
        rows = np.flatnonzero(one.state.alive & ~other.state.alive)
        return _Only(one.state.segment.keys.take(pa.array(rows)), rows)
    kept = one.kept
    return _Only(kept.filter(pc.invert(pc.is_in(kept, value_set=other.kept))), None)


def _unmeasured(before: Evaluation | PastRun, after: Evaluation, lost: pa.Table) -> pa.Table:
    """Return clips that only now have to be measured, but for those of which kept ones are cut."""
    steps = before.steps if isinstance(before, Evaluation) else ()
    waited = [o.segment.keys.take(pa.array(o.waiting)) for o in steps if len(o.waiting)]
    known = pa.concat_arrays([pa.array([], pa.string()), *waited])
    again = lost.filter(pc.equal(lost["change"], KEPT_UNMEASURED))["at"].combine_chunks()
    found = [CHANGE.empty_table()]
    for outcome in after.steps:
        if not len(outcome.waiting):
            continue
        ids = outcome.segment.keys.take(pa.array(outcome.waiting))
        old = pc.or_(pc.is_in(ids, value_set=known), pc.is_in(ids, value_set=again))
        ids = ids.filter(pc.invert(old))
        columns = {
            "id": ids,
            "change": GAINED_UNMEASURED,
            "step": outcome.settings.title,
            "reason": NO_ROW,
            "at": ids,
        }
        found.append(change_rows(columns, len(ids)))
    return pa.concat_tables(found)


def _objects(before: Evaluation, after: Evaluation) -> tuple[int | None, pa.Table]:
    was, now = _kept_objects(before, after), _kept_objects(after, before)
    if was is None or now is None:
        return None, CHANGE.empty_table()
    gained = now.filter(pc.invert(pc.is_in(now, value_set=was)))
    lost = was.filter(pc.invert(pc.is_in(was, value_set=now)))
    changes = [object_changes(before, gained, GAINED), object_changes(after, lost, LOST)]
    return len(now) - len(gained), pa.concat_tables(changes)


def _kept_objects(one: Evaluation, other: Evaluation) -> pa.Array | None:
    """Return the objects that are kept; all of kept clips where only the other selects them."""
    if one.state.objects is not None or other.state.objects is None:
        return one.kept_objects
    objects = other.state.objects.objects
    clips = other.state.segment.keys.take(pa.array(objects.clip))
    return objects.keys.filter(pc.is_in(clips, value_set=one.kept))
