"""Parts of videos that rows of a table ask for: once frames are counted, they become the clips."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import Clip, Span
from clipmill.pipeline.context import PROBE, Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import ClipColumns, Flags, Ints, Part, Population
from clipmill.pipeline.verdicts import StepReport, into, verdict_columns

READ_CHUNK = 4096
"""Videos whose frame times are read from disk at once."""

SLACK_SECONDS = 1.0
"""How far a part may reach beyond the end of its video: tables round, and count loosely."""


@dataclass(frozen=True)
class _Cut:
    """What became of one part.

    Attributes:
        span: The part.
        clip: Its frames; None when there are none.
        reason: Why there are none.
    """

    span: Span
    clip: Clip | None
    reason: str = ""


def has_spans(population: Population) -> bool:
    """Whether rows ask for parts of a video that is still in."""
    return bool(_asked(population).any())


def apply_spans(context: Context, population: Population) -> tuple[Population, StepReport]:
    """Replace videos of which rows name parts by these parts.

    Args:
        context: Has the table of `probe`.
        population: Just probed: a clip is a whole video.
    """
    clips = population.clips
    asked = np.flatnonzero(_asked(population))
    taken: dict[int, list[Clip]] = {}
    parts: dict[str, tuple[Part, ...]] = {}
    told: dict[str, list[str]] = {"video": [], "key": [], "state": [], "rule": []}
    for row, (whole, cuts) in zip(
        asked.tolist(), _cut_all(context, population, asked), strict=True
    ):
        found = [cut.clip for cut in cuts if cut.clip]
        # Two parts may round to the same frames; the texts of both stay known.
        taken[row] = list(dict.fromkeys(found))
        parts[whole.video_id] = tuple(
            Part(cut.clip.start, cut.clip.end, cut.span.text) for cut in cuts if cut.clip
        )
        rules = [("dropped", f"{cut.span.where}: {cut.reason}") for cut in cuts if not cut.clip]
        if found:
            rules.append(("split", into(found)))
        told["video"] += [whole.video_id] * len(rules)
        told["key"] += [whole.clip_id] * len(rules)
        told["state"] += [state for state, _ in rules]
        told["rule"] += [rule for _, rule in rules]
    after = _replaced(clips, taken)
    columns = {name: pa.array(values, pa.string()) for name, values in told.items()}
    report = StepReport(
        title="times",
        kind="split",
        unit="clips",
        entering=len(clips),
        leaving=len(after),
        dropped=told["state"].count("dropped"),
        decided=verdict_columns(
            len(told["key"]),
            level="clip",
            clip_id=columns["key"],
            video_id=columns.pop("video"),
            **columns,
        ),
    )
    return replace(population, clips=after, parts=parts), report


def frame_counts(context: Context, listing: VideoList) -> Ints:
    """Return the number of frames of every video, -1 where they are not counted."""
    if PROBE not in context.stages:
        return np.full(len(listing.videos), -1)
    columns = context.stages[PROBE].table.columns(["num_frames"])
    places = pc.index_in(listing.file_ids, value_set=columns["key"].combine_chunks())
    counts = columns["num_frames"].combine_chunks().take(places)
    return pc.fill_null(counts, -1).to_numpy()


def named_parts(context: Context, listing: VideoList, rows: Ints) -> Mapping[str, tuple[Part, ...]]:
    """Return the frames of the parts that rows of a table name, of videos with counted frames.

    Args:
        context: Has the table of `probe`.
        listing: Videos of the run.
        rows: int64 [n]: of which of its videos; rows name parts of each.
    """
    if not len(rows):
        return {}
    counts = frame_counts(context, listing)
    whole = rows[counts[rows] >= 0].astype(np.int32)
    clips = ClipColumns(whole, np.zeros(len(whole), np.int32), counts[whole].astype(np.int32))
    cut, _ = apply_spans(context, Population(listing.videos, listing.file_ids, clips, probed=True))
    return cut.parts


def _asked(population: Population) -> Flags:
    """Tell of which clips' videos rows name parts."""
    named = np.asarray(pc.is_valid(population.videos.table["spans"]))
    return np.asarray(named[population.clips.video], bool)


def _replaced(clips: ClipColumns, taken: Mapping[int, Sequence[Clip]]) -> ClipColumns:
    """Return clips with some of them replaced by others of the same video, by row."""
    counts = np.ones(len(clips), np.int64)
    counts[list(taken)] = [len(some) for some in taken.values()]
    owner = np.repeat(np.arange(len(clips)), counts)
    after = clips.take(owner)
    mine = np.isin(owner, list(taken))
    after.start[mine] = [clip.start for some in taken.values() for clip in some]
    after.end[mine] = [clip.end for some in taken.values() for clip in some]
    return after


def _cut_all(
    context: Context, population: Population, rows: Ints
) -> Iterator[tuple[Clip, list[_Cut]]]:
    """Yield some clips, and what the rows that name parts of their videos make of them."""
    from clipmill.video import FrameIndex

    table = context.stages[PROBE].table
    for chunk in population.chunks(rows, READ_CHUNK):
        probes = table.read(sorted(chunk.files))
        for clip, file, video in zip(chunk.clips, chunk.files, chunk.videos, strict=True):
            index = FrameIndex.from_bytes(probes[file].index)
            yield clip, [_cut(clip, span, index.seconds, index.fps) for span in video.spans]


def _cut(whole: Clip, span: Span, seconds: npt.NDArray[np.float64], fps: float) -> _Cut:
    """Find the frames of a part.

    A time is taken for the border between two frames that is next to it, so that tables that
    round their times neither lose a frame nor catch one of the next part.

    Args:
        whole: All frames of the video.
        span: The part.
        seconds: float64 [T], presentation times.
        fps: Frames per second.
    """
    length = whole.num_frames
    frame = 1.0 / fps if fps else 0.0
    in_frames = span.unit == "frames"
    total = length if in_frames else float(seconds[-1] - seconds[0]) + frame
    slack = SLACK_SECONDS * fps if in_frames else SLACK_SECONDS
    end_text = "" if span.end is None else f"{span.end:g}"
    shown = f"{span.unit} {span.start:g} to {end_text or 'the end'}"
    if span.start >= total or (span.end or 0.0) > total + slack:
        reason = (
            f"{shown} reach beyond the end of the video ({total:g}); name what they count by "
            "`times`: seconds, frames, or ignore"
        )
        return _Cut(span, None, reason)
    if in_frames:
        start, end = int(span.start), length if span.end is None else int(span.end)
    else:
        starts = seconds - seconds[0]
        start = int(np.searchsorted(starts, span.start - frame / 2))
        end = length if span.end is None else int(np.searchsorted(starts, span.end - frame / 2))
    end = min(end, length)
    if start >= end:
        return _Cut(span, None, f"{shown} hold no frame")
    return _Cut(span, Clip(whole.video_id, start, end))
