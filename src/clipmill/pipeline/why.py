"""The story of one video, clip or object through the steps."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from clipmill.clips import Clip
from clipmill.errors import UsageError
from clipmill.pipeline.report import StepReport
from clipmill.pipeline.videos import VideoList


@dataclass(frozen=True)
class Subject:
    """What is asked about.

    Attributes:
        video_id: Its video.
        path: Path of the video, relative to its source.
        clip: The clip, when one is asked about.
        object_id: The object, when one is asked about.
    """

    video_id: str
    path: str
    clip: Clip | None = None
    object_id: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What one step decided about the subject or a part of it.

    Attributes:
        step: Title of the step.
        key: Video, clip or object id.
        level: `video`, `clip` or `object`.
        state: `kept`, `dropped`, `failed`, `split` or `pending`.
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


def find_subjects(listing: VideoList, target: str) -> list[Subject]:
    """Find what an id or path means.

    Args:
        listing: Videos of the run.
        target: Video, clip, anchor or object id, or a path: as given to `--input`, relative
            to the source, or just the file name.

    Raises:
        UsageError: Nothing matches.
    """
    entries: list[tuple[str, str, str]] = [
        (video.video_id, video.relative_path, video.uri) for video in listing.videos
    ]
    entries += [(p.video_id, p.relative_path, p.uri) for p in listing.problems]
    clip_part, object_id = _split_ids(target)
    found = []
    for video_id, relative_path, uri in entries:
        names = {video_id, relative_path, uri, relative_path.rpartition("/")[2]}
        if target in names or uri.endswith("/" + target.lstrip("./")):
            found.append(Subject(video_id, relative_path))
        elif clip_part is not None and clip_part.video_id == video_id:
            found.append(Subject(video_id, relative_path, clip_part, object_id))
    if not found:
        raise UsageError(
            f"'{target}' is no video, clip or object of this run; "
            "give an id, or a path below the input folder"
        )
    return found


def _split_ids(target: str) -> tuple[Clip | None, str | None]:
    base, _, rest = target.partition("-a")
    try:
        clip = Clip.parse(base)
    except ValueError:
        return None, None
    return clip, target if "-o" in rest else None


def trace(subject: Subject, reports: Iterable[StepReport]) -> Iterator[Verdict]:
    """Yield every verdict about the subject, in the order of the steps."""
    for report in reports:
        rows = report.verdicts.filter(pc.equal(report.verdicts["video_id"], subject.video_id))
        for row in rows.to_pylist():
            if _concerns(subject, row):
                yield Verdict(
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
        if report.pending:
            text = f"{report.pending} {report.unit} have no {report.title} row yet; run again"
            yield Verdict(report.title, subject.video_id, "video", "pending", text)


def _concerns(subject: Subject, row: dict[str, Any]) -> bool:
    if subject.object_id and row["level"] == "object":
        return bool(row["key"] == subject.object_id)
    if subject.clip is None or row["clip_id"] is None:
        return True
    other = Clip.parse(row["clip_id"])
    # The clip itself, what it was cut from, and what was cut from it.
    holds = other.start <= subject.clip.start and subject.clip.end <= other.end
    held = subject.clip.start <= other.start and other.end <= subject.clip.end
    return holds or held


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
    last = next((v for v in reversed(verdicts) if v.state != "kept"), None)
    if last is None:
        return "kept so far"
    return f"{last.state} at {last.step}: {describe_decision(last)}"
