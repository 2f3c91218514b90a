"""Which clips of a population have no row in an annotation that holds for them as they are now."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import object_list
from clipmill.clips import text_id_for
from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.population import Population


def pending_keys(
    stage: Stage, context: Context, population: Population, *, retry: Collection[str] = ()
) -> list[str]:
    """Return the keys of the population without a row that holds for it as it is now.

    A row does not that lacks an entry of a kept object, or was made with another text of the data
    set; or that failed in one of the kinds of `retry`.
    """
    keys = pa.array([population.key_of(clip) for clip in population.clips], pa.string())
    pending = stage.table.pending(keys, retry=retry).to_pylist()
    again: set[str] = set()
    if stage.backend.kept_of and population.kept_objects is not None:
        again |= _lacking(stage, context, population)
    if stage.backend.reads_text(stage.config):
        again |= _reworded(stage, population, keys)
    if not again:
        return pending
    again |= set(pending)
    return [key for key in keys.to_pylist() if key in again]


def _reworded(stage: Stage, population: Population, keys: pa.Array) -> set[str]:
    """Return clips whose row was made with another text than their video has now."""
    rows = stage.table.columns(["given"])
    # Rows fail only where there is no text, and a model is asked.
    given = pc.fill_null(rows["given"], "")
    made_with = given.take(pc.index_in(keys, value_set=rows["key"].combine_chunks()))
    texts = [population.video_of(clip).text for clip in population.clips]
    ids = {text: text_id_for(text) for text in set(texts)}
    now = pa.array([ids[text] for text in texts], pa.string())
    # Null where there is no row yet.
    return set(keys.filter(pc.fill_null(pc.not_equal(made_with, now), False)).to_pylist())


def _lacking(stage: Stage, context: Context, population: Population) -> set[str]:
    """Return clips with a row in which an object is missing that is kept now."""
    assert population.kept_objects is not None
    done = _objects_of(stage)["object_id"].to_pylist()
    kept = population.kept_objects - set(done)
    asked = _objects_of(context.stages[stage.backend.kept_of])
    pairs = zip(asked["key"].to_pylist(), asked["object_id"].to_pylist(), strict=True)
    wanted = {key for key, name in pairs if name in kept}
    failed = stage.table.status()
    failed = failed.filter(pc.equal(failed["status"], "failed"))
    return wanted - set(failed["key"].to_pylist())


def _objects_of(stage: Stage) -> pa.Table:
    """Return `key` (the clip) and `object_id` of every object in the rows of a stage."""
    return stage.table.exploded(object_list(stage.backend.Row), ["object_id"])
