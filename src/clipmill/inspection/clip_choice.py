"""Which clips the gallery shows: kept samples, and clips near a cut."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from clipmill.clips import Clip
from clipmill.config import SamplesStep
from clipmill.inspection.histogram import number
from clipmill.inspection.scores import Score, cut_lines
from clipmill.pipeline.context import Context
from clipmill.pipeline.verdicts import StepReport
from clipmill.samples.table import sample_parts

BORDERLINE_SHARE = 1 / 3
"""Share of the gallery that is left to clips near a cut."""

NEAR = 0.5
"""A kept item is near a cut within this many standard deviations."""

_COLUMNS = [
    "sample_id",
    "clip_id",
    "anchor",
    "num_frames",
    "caption",
    "caption_origin",
    "stage1",
    "stage2",
    "stage2_reason",
    "objects.list.element.object_id",
]


@dataclass(frozen=True)
class SampleFacts:
    """The part of a sample that the gallery needs; see `SampleRow`."""

    sample_id: str
    clip_id: str
    anchor: int
    num_frames: int
    caption: str
    caption_origin: str
    stage1: bool
    stage2: bool
    stage2_reason: str
    object_ids: tuple[str, ...]


@dataclass
class Pick:
    """A clip of the gallery.

    Attributes:
        clip: The clip.
        group: `stage2`, `stage1`, `kept` (just inside a cut), `dropped` (just outside), or
            `other` (dropped, shown because there is room).
        notes: Why it is shown, for clips near a cut.
        samples: Its samples.
    """

    clip: Clip
    group: str
    notes: list[str] = field(default_factory=list)
    samples: tuple[SampleFacts, ...] = ()


def read_sample_facts(context: Context) -> list[SampleFacts]:
    """Read what the gallery needs of all samples, without images and tracks."""
    found = []
    for step in context.pipeline.steps_of(SamplesStep):
        for path in sample_parts(context.workspace, step.samples):
            table = context.workspace.read_table(path, columns=_COLUMNS)
            for row in table.to_pylist() if table is not None else ():
                ids = tuple(entry["object_id"] for entry in row.pop("objects"))
                found.append(SampleFacts(**row, object_ids=ids))
    return found


def choose_clips(
    samples: Sequence[SampleFacts],
    scores: Sequence[Score],
    reports: Sequence[StepReport],
    *,
    count: int,
) -> list[Pick]:
    """Choose the clips of the gallery.

    Kept clips come first, those with stage-2 samples ahead, one of each video before the second
    of any. Every cut then shows its nearest clips on both sides, percentiles ahead of fixed
    limits. What room is left goes to dropped clips, those that came farthest first.

    Args:
        samples: All samples.
        scores: Scores of the selections.
        reports: Outcomes of all steps.
        count: Clips at most.
    """
    by_clip: dict[str, list[SampleFacts]] = {}
    for sample in samples:
        by_clip.setdefault(sample.clip_id, []).append(sample)
    kept = _kept_order(by_clip)
    near = list(_near_cuts(scores))
    room = count - min(len(near), round(count * BORDERLINE_SHARE))
    picks = {
        clip_id: Pick(
            Clip.parse(clip_id),
            "stage2" if any(s.stage2 for s in by_clip[clip_id]) else "stage1",
            samples=tuple(by_clip[clip_id]),
        )
        for clip_id in kept[:room]
    }
    for clip_id, group, note in near:
        if clip_id in picks:
            picks[clip_id].notes.append(note)
        elif len(picks) < count:
            mine = tuple(by_clip.get(clip_id, ()))
            picks[clip_id] = Pick(Clip.parse(clip_id), group, [note], mine)
    for clip_id, note in _dropped(reports):
        if len(picks) >= count:
            break
        if clip_id not in picks:
            picks[clip_id] = Pick(Clip.parse(clip_id), "other", [note])
    return list(picks.values())


def _dropped(reports: Sequence[StepReport]) -> Iterator[tuple[str, str]]:
    """Yield (clip id, reason) of dropped clips, last steps first."""
    for report in reversed(reports):
        verdicts = report.verdicts
        mine = pc.and_(pc.equal(verdicts["level"], "clip"), pc.equal(verdicts["state"], "dropped"))
        for batch in verdicts.filter(mine).select(["clip_id", "rule"]).to_batches():
            for row in batch.to_pylist():
                yield row["clip_id"], f"{report.title}: {row['rule']}"


def _kept_order(by_clip: dict[str, list[SampleFacts]]) -> list[str]:
    """Stage-2 clips first; within that, turn by turn over the videos."""
    turns: Counter[tuple[bool, str]] = Counter()
    order = []
    for position, (clip_id, samples) in enumerate(by_clip.items()):
        lesser = not any(sample.stage2 for sample in samples)
        video = lesser, clip_id[:16]
        order.append((lesser, turns[video], position, clip_id))
        turns[video] += 1
    return [clip_id for *_, clip_id in sorted(order)]


def _near_cuts(scores: Sequence[Score]) -> Iterator[tuple[str, str, str]]:
    """Yield (clip id, group, note) of the items nearest to every cut line, dropped ones first.

    A kept item counts as near within half a standard deviation; the nearest dropped one is
    always of interest.
    """
    ordered = sorted(scores, key=lambda s: not any(cut.kind == "quantile" for cut in s.cuts))
    for score in ordered:
        finite = np.isfinite(score.values)
        reach = NEAR * float(score.values[finite].std()) if finite.any() else 0.0
        for cut in score.cuts:
            gone = score.dropped(cut)
            for line in cut_lines(cut):
                for group, members, limit in (
                    ("dropped", gone & finite, np.inf),
                    ("kept", ~gone & finite, reach),
                ):
                    nearest = _nearest(score.values, members, line)
                    if nearest is None or abs(score.values[nearest] - line) > limit:
                        continue
                    value = number(float(score.values[nearest]))
                    note = f"{score.column} is {value}, cut at {number(line)} ({cut.rule})"
                    yield _clip_of(score.keys[nearest].as_py()), group, note


def _nearest(
    values: npt.NDArray[np.float64], members: npt.NDArray[np.bool_], line: float
) -> int | None:
    places = np.flatnonzero(members)
    return int(places[np.abs(values[places] - line).argmin()]) if len(places) else None


def _clip_of(key: str) -> str:
    """Return the clip of a clip or object id."""
    return key.partition("-a")[0]
