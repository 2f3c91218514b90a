"""Scores of a run: the columns that selections read, and the other numbers beside them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import object_columns, scalar_columns
from clipmill.clips import VIDEO_ID_DIGITS, Clip
from clipmill.config import SelectStep
from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import ObjectIds, Population, parse_clip_ids
from clipmill.pipeline.steps.columns import clip_columns, object_table
from clipmill.pipeline.verdicts import StepReport
from clipmill.selection.cuts import Cut
from clipmill.store.records import schema_of


@dataclass(frozen=True, eq=False)
class Score:
    """One column over the population that reached a selection, or over all that have it.

    Attributes:
        column: `annotation.column`.
        step: Title of the selection that reads it; empty when none does.
        level: `video`, `clip` or `object`.
        keys: Ids, string [n].
        values: float64 [n]; NaN where there is no number.
        cuts: Where the selection cut.
    """

    column: str
    step: str
    level: str
    keys: pa.Array
    values: npt.NDArray[np.float64]
    cuts: tuple[Cut, ...] = ()

    def place_of(self, clip: Clip) -> int | None:
        """Return the place of a clip's value: its own, its video's, or its parent's."""
        # One pass in C over the keys of the video leaves a handful to look at.
        mine = pc.starts_with(self.keys, pattern=clip.video_id).to_numpy(zero_copy_only=False)
        for place in np.flatnonzero(mine):
            key = self.keys[int(place)].as_py()
            if key == clip.video_id or _holds(key, clip):
                return int(place)
        return None

    def dropped(self, cut: Cut) -> npt.NDArray[np.bool_]:
        """Tell which values a cut drops; none when it was switched off."""
        low = -np.inf if cut.low is None else cut.low
        high = np.inf if cut.high is None else cut.high
        within = (self.values >= low) & (self.values <= high)
        if cut.drops == "inside":
            return within
        if cut.drops == "outside":
            return ~within & np.isfinite(self.values)
        return np.zeros(len(self.values), bool)


def _holds(key: str, clip: Clip) -> bool:
    try:
        other = Clip.parse(key)
    except ValueError:
        return False
    return other.start <= clip.start and clip.end <= other.end


def cut_lines(cut: Cut) -> tuple[float, ...]:
    """Return the values where a cut is drawn."""
    if cut.drops not in {"inside", "outside"}:
        return ()
    return tuple(value for value in (cut.low, cut.high) if value is not None)


def selection_scores(
    context: Context, listing: VideoList, reports: Sequence[StepReport]
) -> list[Score]:
    """Return the scores of every selection that was evaluated, in pipeline order."""
    by_title = {report.title: report for report in reports if report.kind == "select"}
    found: list[Score] = []
    for step in context.pipeline.steps_of(SelectStep):
        if step.title in by_title:
            found += _of_selection(context, listing, step, by_title[step.title])
    return found


def _of_selection(
    context: Context, listing: VideoList, step: SelectStep, report: StepReport
) -> Iterator[Score]:
    mine = report.verdicts.filter(pc.equal(report.verdicts["level"], step.level))
    columns = list(dict.fromkeys(rule.column for rule in step.rules))
    if not mine.num_rows:
        return
    clips = parse_clip_ids(pc.unique(mine["clip_id"]), _video_ids(listing))
    population = Population(
        listing.videos,
        listing.file_ids,
        clips,
        probed=True,
        kept_objects=ObjectIds(mine["key"]),
    )
    read = object_table if step.level == "object" else clip_columns
    table = read(context, population, columns)
    keys = _array(table["key"])
    for column in columns:
        cuts = tuple(cut for cut in report.cuts if cut.column == column)
        if not pa.types.is_string(table[column].type):
            yield Score(
                column,
                report.title,
                step.level,
                keys,
                _numbers(table[column]),
                cuts,
            )


def other_scores(context: Context, listing: VideoList, seen: Sequence[Score]) -> list[Score]:
    """Return the numeric columns that no selection reads and that are not all the same."""
    known = {score.column for score in seen}
    scores: list[Score] = []
    for name, stage in context.stages.items():
        scores += _of_rows(name, stage, listing, known)
        scores += _of_objects(name, stage, context, listing, known)
    return [score for score in scores if _varies(score.values)]


def _of_rows(name: str, stage: Stage, listing: VideoList, known: set[str]) -> Iterator[Score]:
    columns = [c for c in sorted(scalar_columns(stage.backend.Row)) if f"{name}.{c}" not in known]
    columns = [c for c in columns if not _is_bool(stage.backend.Row, c)]
    if not columns:
        return
    table = stage.table.columns(columns)
    if stage.backend.level == "video":
        table = _by_video(table, listing)
    table = _of_run(table, listing)
    keys = _array(table["key"])
    for column in columns:
        yield Score(f"{name}.{column}", "", stage.backend.level, keys, _numbers(table[column]))


def _of_objects(
    name: str, stage: Stage, context: Context, listing: VideoList, known: set[str]
) -> Iterator[Score]:
    columns = [f"{name}.{c}" for c in sorted(object_columns(stage.backend.Row))]
    columns = [c for c in columns if c not in known and not c.endswith((".anchor", ".first_frame"))]
    if not columns:
        return
    clip_ids = _of_run(stage.table.columns([]), listing)["key"].combine_chunks()
    clips = parse_clip_ids(clip_ids, _video_ids(listing))
    population = Population(listing.videos, listing.file_ids, clips, probed=True)
    table = object_table(context, population, columns)
    keys = _array(table["key"])
    for column in columns:
        if not pa.types.is_boolean(table[column].type):
            yield Score(column, "", "object", keys, _numbers(table[column]))


def _video_ids(listing: VideoList) -> pa.Array:
    return listing.videos.table["video_id"].combine_chunks()


def _by_video(table: pa.Table, listing: VideoList) -> pa.Table:
    """Turn the keys of rows about files into those of their videos."""
    places = pc.index_in(table["key"].combine_chunks(), value_set=listing.file_ids)
    keys = pc.fill_null(_video_ids(listing).take(places), "")
    return table.set_column(0, "key", keys)


def _of_run(table: pa.Table, listing: VideoList) -> pa.Table:
    """Keep the good rows of the videos of this run; a table may hold those of others."""
    table = table.filter(pc.equal(table["status"], "ok"))
    owners = pc.utf8_slice_codeunits(table["key"], 0, VIDEO_ID_DIGITS)
    return table.filter(pc.is_in(owners, value_set=_video_ids(listing)))


def _is_bool(row: type, column: str) -> bool:
    return bool(pa.types.is_boolean(schema_of(row).field(column).type))


def _array(column: pa.ChunkedArray) -> pa.Array:
    return pc.cast(column, pa.string()).combine_chunks()


def _numbers(column: Any) -> npt.NDArray[np.float64]:
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _varies(values: npt.NDArray[np.float64]) -> bool:
    finite = values[np.isfinite(values)]
    return bool(len(finite)) and bool(finite.min() < finite.max())
