"""The numbers that annotations have measured, beside the clips or objects that they belong to."""

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import object_columns, object_list, scalar_columns
from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.verdicts import StepReport
from clipmill.results.outcomes import OUTCOME, Outcomes, outcomes_in
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
    lines = lineage_of(clips["clip_id"].combine_chunks(), outcomes)
    owners = files_of(clips["video_id"].combine_chunks(), listing)
    for name, stage in context.stages.items():
        columns = sorted(scalar_columns(stage.backend.Row))
        rows = stage.table.columns(columns)
        rows = rows.filter(pc.equal(rows["status"], OK))
        keys = [owners] if stage.backend.level == "video" else lines
        places = first_places(keys, rows["key"])
        for column in columns:
            clips = clips.append_column(f"{name}.{column}", rows[column].take(places))
    return clips


def lineage_of(clip_ids: pa.Array, outcomes: Outcomes) -> list[pa.Array]:
    """Return the clips, what they were cut from, what that was cut from, ...; string [n] each.

    Args:
        clip_ids: string [n]; null where there is no clip.
        outcomes: Knows what each clip was cut from.
    """
    children, parents = (column.combine_chunks() for column in outcomes.parents.columns)
    lines: list[pa.Array] = []
    names = clip_ids
    while not lines or names.null_count < len(names):
        lines.append(names)
        names = parents.take(pc.index_in(names, value_set=children, skip_nulls=True))
    return lines


def files_of(video_ids: pa.Array, listing: VideoList) -> pa.Array:
    """Return the `file_id` of videos; null where there is no such video."""
    videos = listing.videos.table["video_id"].combine_chunks()
    return listing.file_ids.take(pc.index_in(video_ids, value_set=videos))


def first_places(keys: Sequence[pa.Array], rows: pa.ChunkedArray) -> pa.Array:
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
        rows = first_places([result["object_id"].combine_chunks()], part["object_id"])
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
    parts = []
    for report in reports:
        out = pc.and_(
            pc.equal(report.verdicts["level"], "object"),
            pc.is_in(report.verdicts["state"], value_set=pa.array(["dropped", "failed"])),
        )
        rows = report.verdicts.filter(out)
        parts.append(outcomes_in(report, rows).append_column("key", rows["key"]))
    verdicts = pa.concat_tables(parts).combine_chunks()
    if not verdicts.num_rows:
        return objects
    # Of several verdicts the first one counts.
    place = pc.index_in(objects["object_id"], value_set=verdicts["key"].combine_chunks())
    judged = pc.is_valid(place)
    for name in OUTCOME.names:
        values = pc.if_else(judged, verdicts[name].take(place), objects[name])
        objects = objects.set_column(objects.column_names.index(name), name, values)
    return objects
