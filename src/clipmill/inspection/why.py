"""The story of one video, clip or object through the steps."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clipmill.clips import Clip
from clipmill.inspection.lineage import Lineage
from clipmill.inspection.subjects import Subject
from clipmill.pipeline.verdicts import StepReport

LacksRow = Callable[[StepReport, Sequence[str]], set[str]]
"""Tells which of some keys have no row yet in the annotation of a step."""


@dataclass(frozen=True)
class Verdict:
    """What one step decided about the subject or a part of it.

    Attributes:
        step: Title of the step.
        key: Video, clip or object id.
        level: `video`, `clip` or `object`.
        state: `kept`, `dropped`, `failed`, `postponed`, `split` or `pending`.
        rule: The rule or error.
        value: Value that was judged.
        threshold: Cut it was compared with.
        rank: Ascending rank, from 1.
        population: Size of the population of the rule.
    """

    step: str
    key: str
    level: str
    state: str
    rule: str
    value: float | None = None
    threshold: float | None = None
    rank: int | None = None
    population: int | None = None


def trace(
    subject: Subject, reports: Iterable[StepReport], *, lacks_row: LacksRow | None = None
) -> Iterator[Verdict]:
    """Yield every verdict about the subject, in the order of the steps.

    Pending work is told of what is still in only: what was dropped or failed before is out,
    whatever is pending elsewhere.

    Args:
        subject: What is asked about.
        reports: Outcomes of the steps.
        lacks_row: Tells the clips that wait for their own row from those that wait for others.
    """
    lineage = Lineage(subject.video_id)
    for report in reports:
        for row in report.decided.of_video(subject.video_id).to_pylist():
            lineage.follow(row)
            if concerns(subject, row):
                yield _verdict(report, row)
        if report.pending:
            yield from _pending(subject, report, lineage, lacks_row)


def _verdict(report: StepReport, row: dict[str, Any]) -> Verdict:
    return Verdict(
        step=report.title,
        key=row["key"],
        level=row["level"],
        state=row["state"],
        rule=row["rule"] or "",
        value=row["value"],
        threshold=row["threshold"],
        rank=row["rank"],
        population=row["population"],
    )


def _pending(
    subject: Subject, report: StepReport, lineage: Lineage, lacks_row: LacksRow | None
) -> Iterator[Verdict]:
    """Yield what the parts of the subject that are still in wait for."""
    if subject.object_id in lineage.objects_out:
        return
    keys = [key for key in lineage.still_in if key_concerns(subject, key)]
    lacking = set(keys) if lacks_row is None else lacks_row(report, keys)
    others = f"{report.pending} {report.unit} have no {report.title} row yet; run again"
    for key in keys:
        level = "video" if key == subject.video_id else "clip"
        rule = f"no {report.title} row yet; run again"
        if key not in lacking:
            rule = f"it has its {report.title} row; {others}"
        yield Verdict(report.title, key, level, "pending", rule)


def concerns(subject: Subject, row: dict[str, Any]) -> bool:
    """Tell whether a verdict is about the subject, what it was cut from or was cut into."""
    if subject.object_id and row["level"] == "object":
        return bool(row["key"] == subject.object_id)
    return row["clip_id"] is None or key_concerns(subject, row["clip_id"])


def key_concerns(subject: Subject, key: str) -> bool:
    """Tell whether a video or clip is the subject, holds it or is held by it."""
    if subject.clip is None or key == subject.video_id:
        return True
    other, clip = Clip.parse(key), subject.clip
    holds = other.start <= clip.start and clip.end <= other.end
    held = clip.start <= other.start and other.end <= clip.end
    return holds or held


def samples_of(
    subject: Subject, reports: Sequence[StepReport], sample_ids: Iterable[str]
) -> list[str]:
    """Return the samples of a subject, out of those on disk.

    Samples of an earlier run say nothing of one that has not come to its end, and those of a clip
    that is out by now are not its own any more.
    """
    if not reports or reports[-1].kind != "samples":
        return []
    lineage = Lineage.of(subject.video_id, reports)
    if subject.object_id in lineage.objects_out:
        return []
    own = {key for key in lineage.still_in if key_concerns(subject, key)}
    found = []
    for sample_id in sample_ids:
        clip_id, _, _ = sample_id.rpartition("-a")
        if subject.anchor_id not in ("", sample_id) or not clip_id.startswith(subject.video_id):
            continue
        if clip_id in own or (subject.video_id in own and key_concerns(subject, clip_id)):
            found.append(sample_id)
    return found


def describe_decision(verdict: Verdict) -> str:
    """Return the reason with its numbers, e.g. `too much text: 0.31 > 0.12, rank 19 of 20`."""
    text = verdict.rule
    if verdict.value is not None:
        text += f": {verdict.value:.4g}" if text else f"{verdict.value:.4g}"
        if verdict.threshold is not None:
            text += f" (cut {verdict.threshold:.4g})"
    if verdict.rank is not None and verdict.population:
        text += f", rank {verdict.rank} of {verdict.population}"
    return text


def outcome(verdicts: Sequence[Verdict], sample_ids: Sequence[str]) -> str:
    """Return how the subject ended, in one line."""
    if sample_ids:
        return f"kept: {len(sample_ids)} sample{'s' if len(sample_ids) > 1 else ''}"
    last = next((v for v in reversed(verdicts) if v.state not in ("kept", "split")), None)
    if last is None:
        return "kept so far"
    return f"{last.state} at {last.step}: {describe_decision(last)}"
