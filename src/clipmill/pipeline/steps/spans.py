"""Parts of videos that rows of a table ask for: once frames are counted, they become the clips."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.clips import Clip, Span
from clipmill.pipeline.context import PROBE, Context
from clipmill.pipeline.population import Part, Population
from clipmill.pipeline.steps.split import split_report
from clipmill.pipeline.verdicts import StepReport, clip_verdict, into

READ_CHUNK = 256
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
    return any(population.videos[clip.video_id].spans for clip in population.clips)


def apply_spans(context: Context, population: Population) -> tuple[Population, StepReport]:
    """Replace videos of which rows name parts by these parts.

    Args:
        context: Has the table of `probe`.
        population: Just probed: a clip is a whole video.
    """
    clips: list[Clip] = []
    parts: dict[str, tuple[Part, ...]] = {}
    rows: list[dict[str, Any]] = []
    for whole, cuts in _cut_all(context, population):
        if cuts is None:
            clips.append(whole)
            continue
        taken = [cut.clip for cut in cuts if cut.clip]
        parts[whole.video_id] = tuple(
            Part(cut.clip.start, cut.clip.end, cut.span.text) for cut in cuts if cut.clip
        )
        rows += (_dropped(whole, cut) for cut in cuts if not cut.clip)
        if taken:
            rows.append(clip_verdict(whole, "split", into(taken)))
        # Two parts may round to the same frames; the texts of both stay known.
        clips += dict.fromkeys(taken)
    report = split_report("times", population, clips, rows)
    return replace(population, clips=tuple(clips), parts=parts), report


def _dropped(whole: Clip, cut: _Cut) -> dict[str, Any]:
    return clip_verdict(whole, "dropped", f"{cut.span.where}: {cut.reason}")


def _cut_all(context: Context, population: Population) -> Iterator[tuple[Clip, list[_Cut] | None]]:
    """Yield every clip, and what its video's rows make of it; None for those without parts."""
    from clipmill.video import FrameIndex

    table = context.stages[PROBE].table
    for at in range(0, len(population.clips), READ_CHUNK):
        chunk = population.clips[at : at + READ_CHUNK]
        asked = [population.file_of(c) for c in chunk if population.videos[c.video_id].spans]
        probes = table.read(sorted(asked)) if asked else {}
        for clip in chunk:
            spans = population.videos[clip.video_id].spans
            if not spans:
                yield clip, None
                continue
            index = FrameIndex.from_bytes(probes[population.file_of(clip)].index)
            yield clip, [_cut(clip, span, index.seconds, index.fps) for span in spans]


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
