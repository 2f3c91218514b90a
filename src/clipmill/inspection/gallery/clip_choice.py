"""Which clips the gallery shows: kept samples, and clips near a cut."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from clipmill.clips import VIDEO_ID_DIGITS, Clip
from clipmill.config import SamplesStep
from clipmill.inspection.gallery.variety import score_ranks, spread_out
from clipmill.inspection.histogram import number
from clipmill.inspection.scores import Score, cut_lines
from clipmill.pipeline.context import Context
from clipmill.pipeline.verdicts import StepReport
from clipmill.samples.table import sample_parts

BORDERLINE_SHARE = 1 / 3
"""Share of the gallery that is left to clips near a cut."""

NEAR = 0.5
"""A kept item is near a cut within this many standard deviations."""

FEW = 200
"""Clips of a reason, or nearest to a cut, among which those to show are looked for."""

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
    """Choose the clips of the gallery, as different from each other as can be.

    Kept clips take two thirds: one of each video before the second of any, far apart in their
    scores, stage-2 clips ahead. Every cut then shows its nearest clips on both sides, percentiles
    ahead of fixed limits. What room is left goes to dropped clips, one of each reason before the
    second of any. No video is shown a second time for a cut or a reason while there are others.

    Args:
        samples: All samples.
        scores: Scores of the selections.
        reports: Outcomes of all steps.
        count: Clips at most.
    """
    by_clip: dict[str, list[SampleFacts]] = {}
    for sample in samples:
        by_clip.setdefault(sample.clip_id, []).append(sample)
    near = list(_near_cuts(scores))
    clips = len({clip_id for clip_id, *_ in near})
    room = count - min(clips, round(count * BORDERLINE_SHARE))
    picks = {
        clip_id: Pick(
            Clip.parse(clip_id),
            "stage2" if any(s.stage2 for s in by_clip[clip_id]) else "stage1",
            samples=tuple(by_clip[clip_id]),
        )
        for clip_id in _kept(by_clip, scores, room)
    }
    further = [
        *near,
        *((clip_id, "other", note) for clip_id, note in _dropped(reports)),
    ]
    seen = {clip_id[:VIDEO_ID_DIGITS] for clip_id in picks}
    later = []
    for clip_id, group, note in further:
        video = clip_id[:VIDEO_ID_DIGITS]
        if clip_id in picks:
            if group != "other":
                picks[clip_id].notes.append(note)
        elif video in seen:
            later.append((clip_id, group, note))
        elif len(picks) < count:
            seen.add(video)
            mine = tuple(by_clip.get(clip_id, ()))
            picks[clip_id] = Pick(Clip.parse(clip_id), group, [note], mine)
    for clip_id, group, note in later:
        if clip_id in picks:
            if group != "other":
                picks[clip_id].notes.append(note)
        elif len(picks) < count:
            mine = tuple(by_clip.get(clip_id, ()))
            picks[clip_id] = Pick(Clip.parse(clip_id), group, [note], mine)
    return list(picks.values())


def _kept(
    by_clip: Mapping[str, Sequence[SampleFacts]], scores: Sequence[Score], room: int
) -> list[str]:
    """Return the kept clips to show, those with stage-2 samples ahead."""
    clip_ids = list(by_clip)
    stage2 = np.array([any(s.stage2 for s in by_clip[name]) for name in clip_ids], bool)
    videos = [name[:VIDEO_ID_DIGITS] for name in clip_ids]
    places = spread_out(score_ranks(clip_ids, scores), videos, stage2, count=room)
    return [clip_ids[place] for place in sorted(places, key=lambda place: not stage2[place])]


def _dropped(reports: Sequence[StepReport]) -> Iterator[tuple[str, str]]:
    """Yield (clip id, reason) of dropped clips: one of each reason, last steps first, and again.

    Of a reason, videos that were not shown for it come first; a few clips of each stand for all.
    """
    reasons = []
    for report in reversed(reports):
        verdicts = report.verdicts
        mine = pc.and_(pc.equal(verdicts["level"], "clip"), pc.equal(verdicts["state"], "dropped"))
        rows = verdicts.filter(mine).select(["clip_id", "rule"])
        # Reasons in the order in which they are met.
        for rule in pc.unique(rows["rule"]).to_pylist():
            own = rows.filter(pc.equal(rows["rule"], rule)).slice(0, FEW)["clip_id"].to_pylist()
            turns: Counter[str] = Counter()
            order = []
            for clip_id in own:
                order.append((turns[clip_id[:VIDEO_ID_DIGITS]], clip_id))
                turns[clip_id[:VIDEO_ID_DIGITS]] += 1
            order.sort(key=lambda entry: entry[0])
            reasons.append([(clip_id, f"{report.title}: {rule}") for _, clip_id in order])
    for entries in zip_longest(*reasons):
        yield from (entry for entry in entries if entry is not None)


def _near_cuts(scores: Sequence[Score]) -> Iterator[tuple[str, str, str]]:
    """Yield (clip id, group, note) of the items nearest to every cut line, dropped ones first.

    A kept item counts as near within half a standard deviation; the nearest dropped one is
    always of interest. An item of a video that was not shown yet is preferred where it is near too.
    """
    ordered = sorted(scores, key=lambda s: not any(cut.kind == "quantile" for cut in s.cuts))
    shown: set[str] = set()
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
                    nearest = _nearest(score, members, line, reach=reach, shown=shown)
                    if nearest is None or abs(score.values[nearest] - line) > limit:
                        continue
                    value = number(float(score.values[nearest]))
                    note = f"{score.column} is {value}, cut at {number(line)} ({cut.rule})"
                    clip_id = _clip_of(score.keys[nearest].as_py())
                    shown.add(clip_id[:VIDEO_ID_DIGITS])
                    yield clip_id, group, note


def _nearest(
    score: Score,
    members: npt.NDArray[np.bool_],
    line: float,
    *,
    reach: float,
    shown: Set[str],
) -> int | None:
    """Return the item next to a line; of a video that was not shown, if one is within reach."""
    places = np.flatnonzero(members)
    away = np.abs(score.values[places] - line)
    order = np.argsort(away, kind="stable")[:FEW]
    for k in order:
        if away[k] > reach:
            break
        if score.keys[int(places[k])].as_py()[:VIDEO_ID_DIGITS] not in shown:
            return int(places[k])
    return int(places[order[0]]) if len(order) else None


def _clip_of(key: str) -> str:
    """Return the clip of a clip or object id."""
    return key.partition("-a")[0]
