"""Columns that selections read, gathered for the population of a step."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import Columns, object_columns, object_list
from clipmill.annotations.unmeasured import unmeasured_fields
from clipmill.pipeline.context import Context
from clipmill.pipeline.population import ClipColumns, Ints, Population

CLIP = "clip"
CLIP_COLUMNS = Columns(frozenset({"num_frames", "start", "end"}))
"""Columns of the clips themselves, `clip.num_frames`, which no step has to compute."""

WEIGHT = ("num_points", "survival")
"""Columns of objects that tell how many of their points survived."""


def _by_annotation(columns: Sequence[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for column in dict.fromkeys(columns):
        annotation, _, name = column.partition(".")
        grouped.setdefault(annotation, []).append(name)
    return grouped


def clip_columns(context: Context, population: Population, columns: Sequence[str]) -> pa.Table:
    """Return `key` and the named columns for every clip of the population, in its order.

    Args:
        context: Where the tables are.
        population: The clips, already probed.
        columns: Names as in the pipeline file, `annotation.column`; `clip.num_frames`,
            `clip.start` and `clip.end` need no annotation.
    """
    result = pa.table({"key": population.keys})
    for annotation, names in _by_annotation(columns).items():
        if annotation == CLIP:
            for name in names:
                values = _of_clips(population.clips, name)
                result = result.append_column(f"clip.{name}", pa.array(values, pa.int64()))
            continue
        stage = context.stages[annotation]
        table = stage.table.columns(names)
        rows = pc.index_in(stage.keys_of(population), value_set=table["key"].combine_chunks())
        for name in names:
            result = result.append_column(f"{annotation}.{name}", table[name].take(rows))
    return result


def _of_clips(clips: ClipColumns, name: str) -> Ints:
    """Return one of `CLIP_COLUMNS`."""
    columns = {"start": clips.start, "end": clips.end, "num_frames": clips.end - clips.start}
    return columns[name].astype(np.int64)


def unmeasured_columns(context: Context, columns: Sequence[str]) -> frozenset[str]:
    """Return those of the columns in which null means that there was nothing to measure."""
    return frozenset(
        f"{annotation}.{name}"
        for annotation, names in _by_annotation(columns).items()
        if annotation in context.stages
        for name in unmeasured_fields(context.stages[annotation].backend.Row).intersection(names)
    )


def object_table(context: Context, population: Population, columns: Sequence[str]) -> pa.Table:
    """Return one row per object of the population that is still kept.

    Columns: `key` (object id), `clip_id`, `weight` (surviving points where an annotation
    counts them, else 1), and the named ones. An object must be known to every annotation that is
    named.
    """
    grouped = _by_annotation(columns)
    result: pa.Table | None = None
    for annotation, names in grouped.items():
        counted = set(WEIGHT) <= object_columns(context.stages[annotation].backend.Row)
        weights = WEIGHT if counted else ()
        fields = list(dict.fromkeys(["object_id", *names, *weights]))
        entries = _explode(context, annotation, fields)
        data = {"key": entries["object_id"], "clip_id": entries["key"]}
        if weights:
            share = pc.multiply(pc.cast(entries["num_points"], pa.float64()), entries["survival"])
            data["weight"] = pc.round(share)
        data |= {f"{annotation}.{name}": entries[name] for name in names}
        table = pa.table(data)
        result = table if result is None else _join(result, table)
    assert result is not None
    if "weight" not in result.column_names:
        result = result.append_column("weight", pa.array(np.ones(len(result))))
    result = result.filter(pc.is_in(result["clip_id"], value_set=population.keys))
    if population.kept_objects is not None:
        result = result.filter(pc.is_in(result["key"], value_set=population.kept_objects.ids))
    return result.sort_by("key")


def _join(left: pa.Table, right: pa.Table) -> pa.Table:
    right = right.drop_columns([name for name in ("clip_id",) if name in left.column_names])
    return left.join(right, keys="key", join_type="inner")


def _explode(context: Context, annotation: str, fields: Sequence[str]) -> pa.Table:
    """One row per object: `key` (the clip) and the named fields of its entry."""
    stage = context.stages[annotation]
    return stage.table.exploded(object_list(stage.backend.Row), fields)
