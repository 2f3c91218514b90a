"""How every clip of a run ended, in one pass over the verdicts of its steps."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import Clip
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.verdicts import OUT, StepReport, parts_of

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


@dataclass(frozen=True)
class Ending:
    """How one clip ended, or a part of a video that never became a clip.

    Attributes:
        video_id: Its video.
        clip: Its frames; None for a video, or a part of one, that never became a clip.
        outcome: Values of `OUTCOME`; columns that are missing are null.
    """

    video_id: str
    clip: Clip | None
    outcome: Mapping[str, Any]


@dataclass
class _Run:
    """The run as far as its steps have been followed.

    Attributes:
        alive: Clips that are still in, by id; None for videos whose frames are not counted yet.
        parents: What each clip was cut from.
        endings: Those that are out.
    """

    alive: dict[str, Clip | None]
    parents: dict[str, str] = field(default_factory=dict)
    endings: list[Ending] = field(default_factory=list)

    def follow(self, report: StepReport) -> None:
        """Take over what a step decided."""
        verdicts = report.verdicts
        told = pc.is_in(verdicts["state"], value_set=pa.array([*OUT, "split"]))
        of_object = pc.equal(verdicts["level"], "object")
        rows = verdicts.filter(pc.and_(told, pc.invert(of_object))).to_pylist()
        split = {row["key"] for row in rows if row["state"] == "split"}
        for row in rows:
            if row["state"] == "split":
                self._split(row["key"], row["rule"])
                continue
            # A part of a video may hold no frame; its other parts go on, or have none either.
            whole = row["level"] == "clip" and row["key"] in self.alive and row["key"] not in split
            clip = Clip.parse(row["key"]) if whole else None
            self.endings.append(Ending(row["video_id"], clip, outcome_of(report, row)))
            if row["key"] not in split:
                self.alive.pop(row["key"], None)

    def _split(self, key: str, rule: str) -> None:
        self.alive.pop(key, None)
        for name in parts_of(rule):
            self.parents.setdefault(name, key)
            self.alive[name] = Clip.parse(name)

    def count_frames(self, frames: Mapping[str, int]) -> None:
        """Turn the videos that are in into clips of all their frames."""
        whole = (Clip(video_id, 0, frames[video_id]) for video_id in self.alive)
        self.alive = {clip.clip_id: clip for clip in whole}


@dataclass(frozen=True)
class Outcomes:
    """How everything ended.

    Attributes:
        endings: One per clip that was not cut into others, and per video or part of one that never
            became a clip; by video in the order of the listing, then by start.
        parents: The clip that each clip was cut from.
    """

    endings: tuple[Ending, ...]
    parents: Mapping[str, str]


def follow_run(context: Context, listing: VideoList, reports: Sequence[StepReport]) -> Outcomes:
    """Return how the clips of a run ended.

    Args:
        context: Has the table of `probe`.
        listing: Videos of the run.
        reports: Outcomes of all steps.
    """
    run = _Run({video.video_id: None for video in listing.videos})
    for report in reports:
        run.follow(report)
        if report.kind == "annotate" and report.unit == "videos" and not report.pending:
            run.count_frames(_frames(context, listing))
    last = reports[-1]
    rest: dict[str, Any] = {"status": "kept"}
    if last.pending:
        reason = f"{last.pending} {last.unit} have no {last.title} row yet; run again"
        rest = {"status": "pending", "step": last.title, "reason": reason}
    endings = [*run.endings, *_still_in(run.alive, rest)]
    order = [v.video_id for v in listing.videos] + [p.video_id for p in listing.problems]
    place = {video_id: number for number, video_id in enumerate(order)}
    endings.sort(key=lambda e: (place[e.video_id], (e.clip.start, e.clip.end) if e.clip else ()))
    return Outcomes(tuple(endings), run.parents)


def _still_in(alive: Mapping[str, Clip | None], outcome: Mapping[str, Any]) -> Iterator[Ending]:
    for key, clip in alive.items():
        yield Ending(clip.video_id if clip else key, clip, outcome)


def _frames(context: Context, listing: VideoList) -> dict[str, int]:
    """Return the number of frames of every probed video."""
    stage = next(stage for stage in context.stages.values() if stage.backend.level == "video")
    rows = stage.table.columns(["num_frames"])
    found = zip(rows["key"].to_pylist(), rows["num_frames"].to_pylist(), strict=True)
    files = listing.files
    return {files[key].video_id: count for key, count in found if key in files}


def outcome_of(report: StepReport, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of `OUTCOME` that a verdict of a step stands for."""
    facts = {name: row[name] for name in _FACTS}
    return {"status": row["state"], "step": report.title, "reason": row["rule"], **facts}


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
