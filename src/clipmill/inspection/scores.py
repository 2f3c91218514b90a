"""Scores of a run: the columns that selections read, and the other numbers beside them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import object_columns, scalar_columns
from clipmill.clips import Clip, Video
from clipmill.config import SelectStep
from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import Population
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
    videos = {video.video_id: video for video in listing.videos}
    by_title = {report.title: report for report in reports if report.kind == "select"}
    found: list[Score] = []
    for step in context.pipeline.steps_of(SelectStep):
        if step.title in by_title:
            found += _of_selection(context, videos, step, by_title[step.title])
    return found


def _of_selection(
    context: Context, videos: Mapping[str, Video], step: SelectStep, report: StepReport
) -> Iterator[Score]:
    mine = report.verdicts.filter(pc.equal(report.verdicts["level"], step.level))
    decided = mine["key"].to_pylist()
    columns = list(dict.fromkeys(rule.column for rule in step.rules))
    if not decided:
        return
    clips = tuple(Clip.parse(clip) for clip in dict.fromkeys(mine["clip_id"].to_pylist()))
    population = Population(
        videos=videos, clips=clips, probed=True, kept_objects=frozenset(decided)
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
    videos = {video.video_id: video for video in listing.videos}
    scores: list[Score] = []
    for name, stage in context.stages.items():
        scores += _of_rows(name, stage, videos, known)
        scores += _of_objects(name, stage, context, videos, known)
    return [score for score in scores if _varies(score.values)]


def _of_rows(
    name: str, stage: Stage, videos: Mapping[str, Video], known: set[str]
) -> Iterator[Score]:
    columns = [c for c in sorted(scalar_columns(stage.backend.Row)) if f"{name}.{c}" not in known]
    columns = [c for c in columns if not _is_bool(stage.backend.Row, c)]
    if not columns:
        return
    table = stage.table.columns(columns)
    if stage.backend.level == "video":
        table = _by_video(table, videos)
    table = _of_run(table, videos)
    keys = _array(table["key"])
    for column in columns:
        yield Score(f"{name}.{column}", "", stage.backend.level, keys, _numbers(table[column]))


def _of_objects(
    name: str, stage: Stage, context: Context, videos: Mapping[str, Video], known: set[str]
) -> Iterator[Score]:
    columns = [f"{name}.{c}" for c in sorted(object_columns(stage.backend.Row))]
    columns = [c for c in columns if c not in known and not c.endswith((".anchor", ".first_frame"))]
    if not columns:
        return
    clip_ids = _of_run(stage.table.columns([]), videos)["key"].to_pylist()
    clips = tuple(Clip.parse(clip_id) for clip_id in clip_ids)
    table = object_table(context, Population(videos={}, clips=clips, probed=True), columns)
    keys = _array(table["key"])
    for column in columns:
        if not pa.types.is_boolean(table[column].type):
            yield Score(column, "", "object", keys, _numbers(table[column]))


def _by_video(table: pa.Table, videos: Mapping[str, Video]) -> pa.Table:
    """Turn the keys of rows about files into those of their videos."""
    by_file = {video.file_id: video_id for video_id, video in videos.items()}
    keys = [by_file.get(key, "") for key in table["key"].to_pylist()]
    return table.set_column(0, "key", pa.array(keys, pa.string()))


def _of_run(table: pa.Table, videos: Mapping[str, Video]) -> pa.Table:
    """Keep the good rows of the videos of this run; a table may hold those of others."""
    table = table.filter(pc.equal(table["status"], "ok"))
    owners = pc.utf8_slice_codeunits(table["key"], 0, 16)
    return table.filter(pc.is_in(owners, value_set=pa.array(sorted(videos), pa.string())))


def _is_bool(row: type, column: str) -> bool:
    return bool(pa.types.is_boolean(schema_of(row).field(column).type))


def _array(column: pa.ChunkedArray) -> pa.Array:
    return pc.cast(column, pa.string()).combine_chunks()


def _numbers(column: Any) -> npt.NDArray[np.float64]:
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _varies(values: npt.NDArray[np.float64]) -> bool:
    finite = values[np.isfinite(values)]
    return bool(len(finite)) and bool(finite.min() < finite.max())
