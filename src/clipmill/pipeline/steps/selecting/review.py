"""`select: review`: what people said, as verdicts that name who and when."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import Clip
from clipmill.config import Pipeline, ReviewStep
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.population import Flags, ObjectIds, Population
from clipmill.pipeline.steps.base import Applied, Step, Work
from clipmill.pipeline.steps.selecting.written import kept_on_disk
from clipmill.pipeline.verdicts import (
    StepReport,
    Verdicts,
    clip_verdicts,
    joined_verdicts,
    verdict_columns,
)
from clipmill.review.judgement import Judgement
from clipmill.review.state import ClipReview
from clipmill.samples.reviewed import reviewed_objects

_CHUNK = 256
_SAYS = {"keep": "kept", "drop": "dropped"}


class Review(Step[ReviewStep]):
    """Drops the clips and objects that people dropped."""

    def apply(
        self, context: Context, population: Population, work: Work, *, fingerprint: str
    ) -> Iterator[Applied]:
        """Judge by what was said; nothing is computed.

        Raises:
            UsageError: People disagree, and the step says `on_conflict: error`.
        """
        if not population.probed:
            raise UsageError("select: review: put it behind `annotate: probe`, which names clips")
        after, report = _judge(self.settings, context, population, strict=work.execute is not None)
        yield after, kept_on_disk(self.settings, context, report, work, fingerprint=fingerprint)


@dataclass
class _Outcome:
    """What became of the members of a population, by row."""

    kept: Flags
    rules: dict[int, str] = field(default_factory=dict)
    conflicts: list[ClipReview] = field(default_factory=list)

    def drop(self, row: int, rule: str) -> None:
        self.kept[row] = False
        self.rules[row] = rule


def _judge(
    step: ReviewStep, context: Context, population: Population, *, strict: bool
) -> tuple[Population, StepReport]:
    outcome = _Outcome(np.ones(len(population.clips), bool))
    reviews = dict(_reviews(context, population))
    for row, review in reviews.items():
        _judge_clip(step, outcome, row, review)
    if strict and step.on_conflict == "error" and outcome.conflicts:
        first = outcome.conflicts[0]
        raise UsageError(
            f"select: review: people disagree about {len(outcome.conflicts)} clips, the first "
            f"{first.clip.clip_id}: {_said(first.said)}. `clipmill review conflicts` shows them; "
            "settle them, or choose on_conflict: drop or keep"
        )
    if step.need or step.only_starred:
        wanted = [name for name, asked in (("kept", step.need), ("starred", step.only_starred))
                  if asked]  # fmt: skip
        for row in np.flatnonzero(outcome.kept).tolist():
            review = reviews.get(row, ClipReview(Clip("0" * 16, 0, 1)))
            has = {"kept": review.verdict in ("keep", "conflict"), "starred": bool(review.stars)}
            lacking = [name for name in wanted if not has[name]]
            if lacking:
                outcome.drop(row, f"nobody {' and '.join(lacking)} it")
    dropped, gone = _judge_objects(context, population, outcome, reviews)
    kept = outcome.kept
    clips = clip_verdicts(
        population,
        state=pa.array(np.where(kept, "kept", "dropped"), pa.string()),
        rule=pa.array([outcome.rules.get(row) for row in range(len(kept))], pa.string()),
    )
    after = population.keep(kept)
    if population.kept_objects is not None and gone:
        ids = population.kept_objects.ids
        out = pc.is_in(ids, value_set=pa.array(sorted(gone), pa.string()))
        after = replace(after, kept_objects=ObjectIds(ids.filter(pc.invert(out))))
    report = StepReport(
        title=step.title,
        kind="select",
        unit="clips",
        entering=len(population.clips),
        leaving=len(after.clips),
        dropped=int((~kept).sum()),
        objects_dropped=len(gone),
        decided=joined_verdicts([dropped, clips]),
    )
    return after, report


def _judge_clip(step: ReviewStep, outcome: _Outcome, row: int, review: ClipReview) -> None:
    verdict, said = review.verdict, _said(review.said)
    if verdict == "conflict":
        outcome.conflicts.append(review)
        said = f"people disagree: {said}"
        verdict = "keep" if step.on_conflict == "keep" else "drop"
    if verdict == "drop":
        outcome.drop(row, said)
    elif verdict:
        outcome.rules[row] = said


def _said(rows: tuple[Judgement, ...]) -> str:
    """Return who said what and when, with reasons."""
    return "; ".join(
        f"{_SAYS[row.kind]} by {row.told}" + (f" ({row.value})" if row.value else "")
        for row in rows
    )


def _reviews(context: Context, population: Population) -> Iterator[tuple[int, ClipReview]]:
    """Yield the review of every member of whose video something was said, by row."""
    judged = pa.array(context.review.video_ids, pa.string())
    rows = np.flatnonzero(np.asarray(pc.is_in(population.video_ids, value_set=judged)))
    at = 0
    for chunk in population.chunks(rows, _CHUNK):
        for clip in chunk.clips:
            yield int(rows[at]), context.review.of_clip(clip)
            at += 1


def _judge_objects(
    context: Context, population: Population, outcome: _Outcome, reviews: dict[int, ClipReview]
) -> tuple[Verdicts, dict[str, Judgement]]:
    """Drop objects, and clips that none is left of; only where objects are known by this step."""
    rows = [row for row, review in reviews.items() if review.objects and outcome.kept[row]]
    gone: dict[str, Judgement] = {}
    owners: list[tuple[str, str]] = []
    if rows and "objects" in _before_review(context.pipeline):
        names = [reviews[row].clip.clip_id for row in rows]
        objects = context.stages["objects"].table.read(names)
        tracks = context.stages["tracks"].table.read(names) if "tracks" in context.stages else {}
        for row, name in zip(rows, names, strict=True):
            if name not in objects:
                continue
            found = reviewed_objects(reviews[row], objects[name], tracks.get(name))
            gone |= found
            owners += [(name, reviews[row].clip.video_id)] * len(found)
            every = [o.object_id for anchor in objects[name].anchors for o in anchor.objects]
            if found and not _left(every, found, population.kept_objects):
                told = "; ".join(sorted({row.told for row in found.values()}))
                outcome.drop(row, f"no object left: dropped by {told}")
    verdicts = verdict_columns(
        len(gone),
        key=pa.array(list(gone), pa.string()),
        level="object",
        clip_id=pa.array([clip for clip, _ in owners], pa.string()),
        video_id=pa.array([video for _, video in owners], pa.string()),
        state="dropped",
        rule=pa.array([_reason(row) for row in gone.values()], pa.string()),
    )
    return verdicts, gone


def _reason(row: Judgement) -> str:
    return f"dropped by {row.told}" + (f" ({row.value})" if row.value else "")


def _left(every: list[str], gone: Mapping[str, Judgement], kept: ObjectIds | None) -> bool:
    return any(name not in gone and (kept is None or name in kept) for name in every)


def _before_review(pipeline: Pipeline) -> list[str]:
    """Return the names of the steps before `select: review`."""
    names: list[str] = []
    for step in pipeline.steps:
        if step.tag == ReviewStep.tag:
            break
        names.append(step.name)
    return names


def overruled(context: Context, name: str, population: Population, judged: pa.Table) -> pa.Table:
    """Return the verdicts of a clip-level selection with those that a human `keep` overrules.

    Failures stay: there is no value that a person could have seen otherwise.

    Args:
        context: Of the run.
        name: The selection.
        population: What it judged.
        judged: See `Selection.verdicts`.
    """
    (step,) = context.pipeline.steps_of(ReviewStep) or (None,)
    if step is None or not (step.overrides == "all" or name in step.overrides):
        return judged
    if not population.probed:
        return judged
    good = {"keep", "conflict"} if step.on_conflict == "keep" else {"keep"}
    dropped = np.asarray(pc.equal(judged["state"], "dropped"))
    rules: dict[int, str] = {}
    for row, review in _reviews(context, population):
        if dropped[row] and review.verdict in good:
            reason = judged["rule"][row].as_py()
            rules[row] = f"{_said(review.said)}, overruling: {reason}"
    if not rules:
        return judged
    flags = np.zeros(judged.num_rows, bool)
    flags[list(rules)] = True
    mask = pa.array(flags)
    texts = pa.array([rules[row] for row in sorted(rules)], pa.string())
    kept = pc.or_(judged["kept"].combine_chunks(), mask)
    state = pc.if_else(mask, "kept", judged["state"].combine_chunks())
    rule = pc.replace_with_mask(judged["rule"].combine_chunks(), mask, texts)
    for column, values in (("kept", kept), ("state", state), ("rule", rule)):
        judged = judged.set_column(judged.column_names.index(column), column, values)
    return judged
