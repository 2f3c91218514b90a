"""How every clip of a run ended, in one pass over the verdicts of its steps: columns throughout."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import VIDEO_ID_DIGITS
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import ClipColumns, clip_ids
from clipmill.pipeline.verdicts import OUT, StepReport, part_lists

Status = Literal["kept", "dropped", "failed", "postponed", "pending"]
"""How a clip, video or object ended: `kept`; `dropped` by a rule; `failed` by a fault of its own;
`postponed`, as the machine could not do it; or `pending`, as the run is unfinished."""

_FACTS = ("column", "value", "threshold", "rank", "population")

OUTCOME = pa.schema(
    [
        ("status", pa.string()),
        ("step", pa.string()),
        ("reason", pa.string()),
        ("column", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("rank", pa.int64()),
        ("population", pa.int64()),
    ]
)
"""Columns that say how something ended; null but for `status` where it was kept."""

ENDINGS = pa.schema(
    [
        ("video_id", pa.string()),
        ("clip_id", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        *OUTCOME,
    ]
)
"""One row per clip; without `clip_id`, `start` and `end` for what never became one."""


@dataclass
class _Run:
    """The run as far as its steps have been followed.

    Attributes:
        alive: Ids of the clips that are still in, of the videos until their frames are counted.
        parents: What each clip was cut from: `clip_id`, `parent`.
        endings: Rows of `ENDINGS` of what is out, but for `start` and `end`.
    """

    alive: pa.Array
    parents: list[pa.Table] = field(default_factory=list)
    endings: list[pa.Table] = field(default_factory=list)
    counted: bool = False

    def follow(self, report: StepReport) -> None:
        """Take over what a step decided."""
        verdicts = report.verdicts
        told = pc.is_in(verdicts["state"], value_set=pa.array([*OUT, "split"]))
        rows = verdicts.filter(pc.and_(told, pc.not_equal(verdicts["level"], "object")))
        splits = pc.equal(rows["state"], "split")
        split, out = rows.filter(splits), rows.filter(pc.invert(splits))
        split_keys = split["key"].combine_chunks()
        # A part of a video may hold no frame; its other parts go on, or have none either.
        gone = pc.invert(pc.is_in(out["key"], value_set=split_keys))
        whole = pc.and_(pc.equal(out["level"], "clip"), gone)
        whole = pc.and_(whole, pc.is_in(out["key"], value_set=self.alive))
        whole = pc.and_(whole, _first_of_each(out["key"].combine_chunks()))
        ending = outcomes_in(report, out)
        clips = pc.if_else(whole, out["key"], pa.scalar(None, pa.string()))
        ending = ending.add_column(0, "clip_id", clips)
        self.endings.append(ending.add_column(0, "video_id", out["video_id"]))
        out_keys = out.filter(gone)["key"].combine_chunks()
        children = self._cut(split)
        if len(split_keys) or len(out_keys):
            left = pa.concat_arrays([split_keys, out_keys])
            stays = pc.invert(pc.is_in(self.alive, value_set=left))
            self.alive = pc.unique(pa.concat_arrays([self.alive.filter(stays), children]))

    def _cut(self, split: pa.Table) -> pa.Array:
        """Note the parts of clips that were cut, and return their ids."""
        parts = part_lists(split["rule"].combine_chunks())
        parents = split["key"].combine_chunks().take(pc.list_parent_indices(parts))
        children = pc.list_flatten(parts)
        # A part of a video may be all of it: no clip is cut from itself.
        cut = pc.not_equal(children, parents)
        self.parents.append(pa.table({"clip_id": children, "parent": parents}).filter(cut))
        return children

    def count_frames(self, frames: pa.Array) -> None:
        """Turn the videos that are in into clips of all their frames.

        Args:
            frames: int64 [n]: how many each has.
        """
        count, ends = len(frames), frames.to_numpy().astype(np.int32)
        whole = ClipColumns(np.arange(count, dtype=np.int32), np.zeros(count, np.int32), ends)
        self.alive, self.counted = clip_ids(self.alive, whole), True


@dataclass(frozen=True)
class Outcomes:
    """How everything ended.

    Attributes:
        table: Rows of `ENDINGS`: one per clip that was not cut into others, and per video or part
            of one that never became a clip; by video in the order of the listing, then by start.
        parents: The clip that each clip was cut from: `clip_id`, `parent`; the first one counts.
    """

    table: pa.Table
    parents: pa.Table


def follow_run(context: Context, listing: VideoList, reports: Sequence[StepReport]) -> Outcomes:
    """Return how the clips of a run ended.

    Args:
        context: Has the table of `probe`.
        listing: Videos of the run.
        reports: Outcomes of all steps.
    """
    run = _Run(listing.videos.table["video_id"].combine_chunks())
    for report in reports:
        run.follow(report)
        if report.kind == "annotate" and report.unit == "videos" and not report.pending:
            run.count_frames(_frames(context, listing, run.alive))
    last = reports[-1]
    rest: dict[str, Any] = {"status": "kept"}
    if last.pending:
        reason = f"{last.pending} {last.unit} have no {last.title} row yet; run again"
        rest = {"status": "pending", "step": last.title, "reason": reason}
    table = pa.concat_tables([*run.endings, _still_in(run, rest)]).combine_chunks()
    start, end = frames_of_ids(table["clip_id"].combine_chunks())
    table = table.add_column(2, "start", start).add_column(3, "end", end)
    parents = pa.schema([("clip_id", pa.string()), ("parent", pa.string())]).empty_table()
    return Outcomes(
        table.take(_order(table, listing)).cast(ENDINGS),
        pa.concat_tables([parents, *run.parents]).combine_chunks(),
    )


def _still_in(run: _Run, outcome: dict[str, Any]) -> pa.Table:
    count = len(run.alive)
    videos = pc.utf8_slice_codeunits(run.alive, 0, VIDEO_ID_DIGITS) if run.counted else run.alive
    clips = run.alive if run.counted else pa.nulls(count, pa.string())
    said = [pa.repeat(pa.scalar(outcome.get(f.name), f.type), count) for f in OUTCOME]
    return pa.table([videos, clips, *said], names=["video_id", "clip_id", *OUTCOME.names])


def _order(table: pa.Table, listing: VideoList) -> pa.Array:
    """Return the rows by video in the order of the listing, then by start."""
    names = pa.concat_tables(
        rows.table.select(["video_id"]) for rows in (listing.videos, listing.problems)
    )
    place = pc.index_in(table["video_id"], value_set=names["video_id"].combine_chunks())
    keys = {"place": place, **{n: pc.fill_null(table[n], -1) for n in ("start", "end")}}
    return pc.sort_indices(pa.table(keys), [(name, "ascending") for name in keys])


def _frames(context: Context, listing: VideoList, video_ids: pa.Array) -> pa.Array:
    """Return the number of frames of some probed videos."""
    stage = next(stage for stage in context.stages.values() if stage.backend.level == "video")
    rows = stage.table.columns(["num_frames"])
    videos = listing.videos.table["video_id"].combine_chunks()
    files = listing.file_ids.take(pc.index_in(video_ids, value_set=videos))
    known = rows["key"].combine_chunks()
    return rows["num_frames"].combine_chunks().take(pc.index_in(files, value_set=known))


def frames_of_ids(ids: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Return first frame and end of clips, int64 [n]; null where an id is.

    Args:
        ids: Clip ids, string [n].
    """
    frames = pc.split_pattern(pc.utf8_slice_codeunits(ids, VIDEO_ID_DIGITS + 1), "-")
    start, end = (pc.cast(pc.list_element(frames, at), pa.int64()) for at in (0, 1))
    return start, end


def _first_of_each(keys: pa.Array) -> pa.Array:
    """Tell where each key is for the first time."""
    flags = np.zeros(len(keys), bool)
    codes = keys.dictionary_encode().indices.to_numpy()
    flags[np.unique(codes, return_index=True)[1]] = True
    return pa.array(flags)


def outcomes_in(report: StepReport, verdicts: pa.Table) -> pa.Table:
    """Return the rows of `OUTCOME` that verdicts of a step stand for."""
    title = pa.repeat(pa.scalar(report.title, pa.string()), verdicts.num_rows)
    facts = [verdicts[name] for name in _FACTS]
    columns = [verdicts["state"], title, verdicts["rule"], *facts]
    return pa.table(columns, schema=OUTCOME)


def chosen(table: pa.Table, status: str | Collection[str] | None) -> pa.Table:
    """Return the rows of one status, or of several; all of them for None.

    Raises:
        UsageError: No such status.
    """
    if status is None:
        return table
    wanted = [status] if isinstance(status, str) else sorted(status)
    known = get_args(Status)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UsageError(f"no status '{unknown[0]}'; there are: {', '.join(known)}")
    return table.filter(pc.is_in(table["status"], value_set=pa.array(wanted, pa.string())))
