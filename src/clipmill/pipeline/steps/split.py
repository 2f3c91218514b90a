"""Split steps: a clip in, its children out, the lineage kept."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from clipmill.annotations.shots.boundaries import shots_from_scores
from clipmill.annotations.shots.schema import ShotsRow
from clipmill.clips import Clip
from clipmill.config import ShotsSplit, SplitStep, WindowsSplit
from clipmill.pipeline.context import Context
from clipmill.pipeline.population import Population
from clipmill.pipeline.verdicts import StepReport, verdict_table
from clipmill.store.codecs import decode_array

READ_CHUNK = 1024
"""Clips whose rows are read from disk at once."""


def apply_split(
    step: SplitStep, context: Context, population: Population
) -> tuple[Population, StepReport]:
    """Replace every clip by its children; a clip without a child is dropped, with the reason."""
    if isinstance(step, WindowsSplit):
        families: Iterable[tuple[Clip, list[Clip]]] = (
            (clip, cut_windows(clip, step)) for clip in population.clips
        )
        reason = f"shorter than {step.min_frames} frames"
    else:
        families = _shot_families(step, context, population)
        reason = f"no shot of {step.min_frames} frames or more"
    rows: list[dict[str, Any]] = []
    children: list[Clip] = []
    for parent, parts in families:
        children += parts
        if parts != [parent]:
            rows.append(_verdict(parent, parts, reason))
    # Parts of one video that overlap may have children in common.
    clips = tuple(dict.fromkeys(children))
    report = StepReport(
        title=step.title,
        kind="split",
        unit="clips",
        entering=len(population.clips),
        leaving=len(clips),
        dropped=sum(row["state"] == "dropped" for row in rows),
        verdicts=verdict_table(rows),
    )
    return replace(population, clips=clips), report


def _verdict(parent: Clip, parts: list[Clip], reason: str) -> dict[str, Any]:
    return {
        "key": parent.clip_id,
        "level": "clip",
        "clip_id": parent.clip_id,
        "video_id": parent.video_id,
        "state": "split" if parts else "dropped",
        "rule": "into " + ", ".join(part.clip_id for part in parts) if parts else reason,
    }


def cut_windows(clip: Clip, step: WindowsSplit) -> list[Clip]:
    """Cut a clip into consecutive windows; a remainder under `min_frames` is left out."""
    starts = range(clip.start, clip.end, step.max_frames)
    windows = [Clip(clip.video_id, s, min(s + step.max_frames, clip.end)) for s in starts]
    long_enough = [window for window in windows if window.num_frames >= step.min_frames]
    return long_enough[: step.max_windows]


def _shot_families(
    step: ShotsSplit, context: Context, population: Population
) -> Iterator[tuple[Clip, list[Clip]]]:
    table = context.stages["shots"].table
    for at in range(0, len(population.clips), READ_CHUNK):
        chunk = population.clips[at : at + READ_CHUNK]
        rows = table.read([clip.clip_id for clip in chunk])
        for clip in chunk:
            yield clip, cut_shots(clip, rows[clip.clip_id], step)


def cut_shots(clip: Clip, row: ShotsRow, step: ShotsSplit) -> list[Clip]:
    """Cut a clip at its scored boundaries; shots under `min_frames` are left out."""
    threshold = row.threshold if step.threshold is None else step.threshold
    shots = shots_from_scores(
        decode_array(row.scores), threshold=threshold, num_decoded=row.num_decoded
    )
    parts = [
        Clip(clip.video_id, clip.start + first, clip.start + end)
        for first, end in shots
        if end - first >= step.min_frames
    ]
    return parts[: step.max_shots]
