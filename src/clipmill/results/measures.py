"""The numbers that annotations have measured, beside the clips or objects that they belong to."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import object_columns, object_list, scalar_columns
from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.verdicts import StepReport
from clipmill.results.outcomes import OUTCOME, Outcomes, outcome_of
from clipmill.store.parts import OK

_CLASS = "class_name"


def with_clip_scores(
    clips: pa.Table, context: Context, listing: VideoList, outcomes: Outcomes
) -> pa.Table:
    """Return clips with a column `annotation.column` for every number that is known of them.

    What was measured before a clip was cut is that of the clip it was cut from.

    Args:
        clips: Columns `clip_id` and `video_id`.
        context: Has the tables.
        listing: Videos of the run.
        outcomes: Knows what each clip was cut from.
    """
    lines = _lines(clips["clip_id"].to_pylist(), outcomes.parents)
    videos = listing.videos.table["video_id"].combine_chunks()
    owners = listing.file_ids.take(
        pc.index_in(clips["video_id"].combine_chunks(), value_set=videos)
    )
    for name, stage in context.stages.items():
        columns = sorted(scalar_columns(stage.backend.Row))
        rows = stage.table.columns(columns)
        rows = rows.filter(pc.equal(rows["status"], OK))
        keys = [owners] if stage.backend.level == "video" else lines
        places = _places(keys, rows["key"])
        for column in columns:
            clips = clips.append_column(f"{name}.{column}", rows[column].take(places))
    return clips


def _lines(clip_ids: Sequence[str | None], parents: Mapping[str, str]) -> list[pa.Array]:
    """Return the clips, what they were cut from, what that was cut from, ..."""
    lines: list[pa.Array] = []
    names = list(clip_ids)
    while any(names) or not lines:
        lines.append(pa.array(names, pa.string()))
        names = [parents.get(name) if name else None for name in names]
    return lines


def _places(keys: Sequence[pa.Array], rows: pa.ChunkedArray) -> pa.Array:
    """Return the row of the first of several keys that has one; null where none has."""
    known = rows.combine_chunks()
    return pc.coalesce(*(pc.index_in(key, value_set=known, skip_nulls=True) for key in keys))


def object_scores(context: Context, clips: pa.Table, reports: Sequence[StepReport]) -> pa.Table:
    """Return one row per object with its outcome and every number that is known of it.

    Args:
        context: Has the tables.
        clips: One row per clip with its outcome.
        reports: Outcomes of all steps.

    Returns:
        `object_id`, `clip_id`, `video_id`, `OUTCOME`, then `annotation.column`; by clip in the
        order of `clips`, then by id. An object shares the fate of its clip, unless a rule dropped
        the object itself.
    """
    parts = dict(_object_parts(context))
    if not parts:
        return _no_objects()
    pairs = [part.select(["object_id", "key"]) for part in parts.values()]
    every = pa.concat_tables(pairs).group_by("object_id").aggregate([("key", "min")])
    place = pc.index_in(every["key_min"], value_set=clips["clip_id"].combine_chunks())
    every = every.append_column("place", place).filter(pc.is_valid(place))
    every = every.sort_by([("place", "ascending"), ("object_id", "ascending")])
    own = clips.select(["clip_id", "video_id", *OUTCOME.names]).take(every["place"])
    result = _with_verdicts(own.add_column(0, "object_id", every["object_id"]), reports)
    for name, part in parts.items():
        rows = _places([result["object_id"].combine_chunks()], part["object_id"])
        for column in part.column_names:
            if column not in ("key", "object_id"):
                result = result.append_column(f"{name}.{column}", part[column].take(rows))
    return result


def _no_objects() -> pa.Table:
    names = ("object_id", "clip_id", "video_id")
    return pa.schema([*((name, pa.string()) for name in names), *OUTCOME]).empty_table()


def _object_parts(context: Context) -> Iterator[tuple[str, pa.Table]]:
    """Yield annotations with one entry per object: `key` (the clip), `object_id`, numbers."""
    for name, stage in context.stages.items():
        if object_list(stage.backend.Row):
            columns = ["object_id", *sorted(object_columns(stage.backend.Row))]
            yield name, _exploded(name, stage, columns)


def _exploded(name: str, stage: Stage, columns: list[str]) -> pa.Table:
    named = [_CLASS] if name == "objects" else []
    return stage.table.exploded(object_list(stage.backend.Row), [*columns, *named])


def _with_verdicts(objects: pa.Table, reports: Sequence[StepReport]) -> pa.Table:
    """Put the verdicts on objects in the place of their clips' outcomes."""
    own: dict[str, dict[str, Any]] = {}
    for report in reports:
        out = pc.and_(
            pc.equal(report.verdicts["level"], "object"),
            pc.is_in(report.verdicts["state"], value_set=pa.array(["dropped", "failed"])),
        )
        for row in report.verdicts.filter(out).to_pylist():
            own.setdefault(row["key"], outcome_of(report, row))
    if not own:
        return objects
    ids = pa.array(list(own), pa.string())
    verdicts = pa.Table.from_pylist(list(own.values()), schema=OUTCOME)
    place = pc.index_in(objects["object_id"], value_set=ids)
    judged = pc.is_valid(place)
    for name in OUTCOME.names:
        values = pc.if_else(judged, verdicts[name].take(place), objects[name])
        objects = objects.set_column(objects.column_names.index(name), name, values)
    return objects
