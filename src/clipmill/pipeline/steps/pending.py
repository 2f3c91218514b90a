"""Which clips of a population have no row in an annotation that holds for them as they are now."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import object_list
from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.population import ObjectIds, Population


def pending_keys(
    stage: Stage, context: Context, population: Population, *, retry: Collection[str] = ()
) -> pa.Array:
    """Return the keys of the population without a row that holds for it as it is now.

    A row does not that lacks an entry of a kept object, or was made with another text of the data
    set; or that failed in one of the kinds of `retry`.
    """
    keys = population.keys
    pending = stage.table.pending(keys, retry=retry)
    again = [pending]
    if stage.backend.kept_of and population.kept_objects is not None:
        again.append(_lacking(stage, context, population.kept_objects))
    if stage.backend.reads_text(stage.config):
        again.append(_reworded(stage, population))
    if not any(map(len, again[1:])):
        return pending
    return keys.filter(pc.is_in(keys, value_set=pa.concat_arrays(again)))


def _reworded(stage: Stage, population: Population) -> pa.Array:
    """Return clips whose row was made with another text than their video has now."""
    rows = stage.table.columns(["given"])
    # Rows fail only where there is no text, and a model is asked.
    given = pc.fill_null(rows["given"], "").combine_chunks()
    keys = population.keys
    made_with = given.take(pc.index_in(keys, value_set=rows["key"].combine_chunks()))
    # Null where there is no row yet.
    return keys.filter(pc.fill_null(pc.not_equal(made_with, population.text_ids), False))


def _lacking(stage: Stage, context: Context, kept: ObjectIds) -> pa.Array:
    """Return clips with a row in which an object is missing that is kept now."""
    done = objects_of(stage)["object_id"].combine_chunks()
    missing = kept.ids.filter(pc.invert(pc.is_in(kept.ids, value_set=done)))
    asked = objects_of(context.stages[stage.backend.kept_of])
    wanted = asked["key"].filter(pc.is_in(asked["object_id"], value_set=missing))
    status = stage.table.status()
    failed = status.filter(pc.equal(status["status"], "failed"))["key"].combine_chunks()
    return wanted.filter(pc.invert(pc.is_in(wanted, value_set=failed))).combine_chunks()


def objects_of(stage: Stage) -> pa.Table:
    """Return `key` (the clip) and `object_id` of every object in the rows of a stage."""
    return stage.table.exploded(object_list(stage.backend.Row), ["object_id"])
