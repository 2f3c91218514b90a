"""Builds the report: one folder with `index.html`, opened straight from disk by any browser.

OUT/index.html          funnel, scores, failures and the gallery's cards; style and script inside
OUT/data/CLIP.js        what the player shows of a clip, loaded when it is opened
OUT/previews/CLIP*      video of the clip at a constant rate; made once
OUT/posters/, images/   stills and identity images
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.audit.files import audit_results
from clipmill.clips import Clip
from clipmill.disk import write_text
from clipmill.errors import ClipError
from clipmill.inspection.clip_data import clip_data
from clipmill.inspection.clip_rows import anchors_of, read_clip_rows
from clipmill.inspection.funnel import funnel
from clipmill.inspection.gallery.clip_choice import Pick, choose_clips, read_sample_facts
from clipmill.inspection.gallery.quick_preview import quick_preview
from clipmill.inspection.histogram import histogram
from clipmill.inspection.preview import make_preview
from clipmill.inspection.scores import Score, other_scores, selection_scores
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.recorded.look import reports_of
from clipmill.pipeline.verdicts import POSTPONED, StepReport
from clipmill.report.card_shapes import card_shapes
from clipmill.report.costs import stage_costs
from clipmill.report.distributions import Finals, final_samples
from clipmill.report.page import Card, Failure, Page, Totals, render_page

MAX_FAILURES = 500
"""Failures in the table; `clipmill failed` lists all."""


@dataclass(frozen=True)
class _Run:
    """What all clips of the gallery need."""

    context: Context
    listing: VideoList
    reports: Sequence[StepReport]
    scores: Sequence[Score]
    out: Path
    encode: bool


def build_report(
    context: Context,
    listing: VideoList,
    *,
    out: Path,
    gallery: int = 24,
    encode_previews: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write the report.

    Args:
        context: Workspace and pipeline of the last run; it may be unfinished.
        listing: Videos of the run.
        out: Folder to write; made when it is missing. Previews that are there already stay.
        gallery: Clips to show at most.
        encode_previews: Encode every frame of the clips small (`make_preview`), which takes half
            a second each, instead of copying what browsers play (`quick_preview`).
        on_progress: Called with the clips done and their number.

    Returns:
        Path of the page.
    """
    reports = reports_of(context, listing)
    scores = selection_scores(context, listing, reports)
    # Samples of an earlier run say nothing of an unfinished one.
    samples = read_sample_facts(context) if reports[-1].kind == "samples" else []
    known = frozenset(listing.videos.table["video_id"].to_pylist()) if samples else frozenset()
    samples = [sample for sample in samples if Clip.parse(sample.clip_id).video_id in known]
    out.mkdir(parents=True, exist_ok=True)
    run = _Run(context, listing, reports, scores, out, encode_previews)
    cards = []
    picks = choose_clips(samples, scores, reports, count=gallery)
    for done, pick in enumerate(picks, start=1):
        cards.append(_card(run, pick))
        if on_progress is not None:
            on_progress(done, len(picks))
    failures = _failures(listing, reports)
    page = Page(
        pipeline=context.pipeline.name,
        description=context.pipeline.description,
        workspace=context.workspace.root,
        totals=_totals(listing, reports, stage1=sum(sample.stage1 for sample in samples)),
        pending=[step for step in funnel(reports) if step.report.pending],
        steps=funnel(reports),
        scores=[histogram(score) for score in scores],
        others=[histogram(score) for score in other_scores(context, listing, scores)],
        failures=failures[:MAX_FAILURES],
        more_failures=len(failures[MAX_FAILURES:]),
        cards=cards,
        finals=final_samples(context) if samples else Finals(),
        costs=stage_costs(context),
        audits=audit_results(context.workspace),
    )
    index = out / "index.html"
    write_text(index, render_page(page))
    return index


def _card(run: _Run, pick: Pick) -> Card:
    """Make preview, data file and card of a clip; a clip that cannot be shown says why."""
    known = read_clip_rows(run.context, run.listing, pick.clip)
    anchor = anchors_of(pick, known)[0]
    preview, problem = None, ""
    try:
        make = make_preview if run.encode else quick_preview
        preview = make(known.video, pick.clip, known.probe, folder=run.out, poster_frame=anchor)
    except ClipError as error:
        problem = str(error)
    data = clip_data(
        pick,
        known,
        preview=preview,
        problem=problem,
        reports=run.reports,
        scores=run.scores,
        images=run.out / "images",
    )
    write_text(run.out / "data" / f"{pick.clip.clip_id}.js", _script(data))
    return Card(data=data, group=pick.group, shapes=card_shapes(pick, known))


def _script(data: dict[str, Any]) -> str:
    """A script works from `file://`, where pages may fetch nothing; ASCII needs no charset."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return f"clipmillClip({text});\n"


def _totals(listing: VideoList, reports: Sequence[StepReport], *, stage1: int) -> Totals:
    clips = [r.leaving for r in reports if r.kind == "split" or r.title == "probe"]
    last = reports[-1]
    done = last.kind == "samples"
    return Totals(
        videos=len(listing.videos) + len(listing.problems),
        clips=clips[-1] if clips else 0,
        kept=last.leaving if done else None,
        stage1=stage1 if done else 0,
        stage2=last.stage2_samples,
        failed=sum(report.failed for report in reports),
    )


def _failures(listing: VideoList, reports: Sequence[StepReport]) -> list[Failure]:
    failures = []
    for report in reports:
        states = pa.array(["failed", POSTPONED])
        failed = report.verdicts.filter(pc.is_in(report.verdicts["state"], value_set=states))
        for row, path in listing.with_paths(failed):
            text = row["rule"] or ""
            if row["column"] and not text.startswith(row["column"]):
                text = f"{row['column']}: {text}"
            if row["state"] == POSTPONED:
                text = f"{POSTPONED}: {text}"
            failures.append(Failure(report.title, path, row["key"], text))
    return failures
