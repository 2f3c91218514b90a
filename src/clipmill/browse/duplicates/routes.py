"""The page of near-duplicates, and of identical files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from clipmill.browse.duplicates.groups import DuplicateGroups
from clipmill.browse.page import show_page
from clipmill.browse.site import OpenRun, Site
from clipmill.clips import Clip
from clipmill.config import DedupStep
from clipmill.pipeline.population import Population, parse_clip_ids
from clipmill.pipeline.steps.columns import clip_columns
from clipmill.pipeline.steps.probe import SAME_CONTENT

PER_PAGE: Final = 20
"""Groups of a page."""

MOST_COPIES: Final = 23
"""Copies of a group that are shown."""

MOST_FILES: Final = 200
"""Identical files that are listed."""


@dataclass(frozen=True)
class DuplicateCard:
    """A clip of a group, as it is shown.

    Attributes:
        clip_id: The clip.
        path: Its file, and the frames.
        facts: What decided which of the group is kept, and how it differs.
        kept: Whether it is the one that is kept.
    """

    clip_id: str
    path: str
    facts: tuple[str, ...]
    kept: bool


def duplicates_routes(site: Site) -> Sequence[BaseRoute]:
    """Return the routes of this room."""

    def duplicates(request: Request) -> Response:
        run = site.run
        groups = DuplicateGroups(run.reports)
        pages = max(1, -(-len(groups) // PER_PAGE))
        page = min(_number(request.query_params.get("page", "")), pages)
        shown = groups.page((page - 1) * PER_PAGE, PER_PAGE)
        ids = [
            clip_id
            for group in shown
            for clip_id in (group.kept, *(c.clip_id for c in group.copies[:MOST_COPIES]))
        ]
        facts, paths = _facts(run, ids), _paths(run, ids)
        cards = []
        for group in shown:
            own = [DuplicateCard(group.kept, paths[group.kept], facts[group.kept], kept=True)]
            for copy in group.copies[:MOST_COPIES]:
                apart = "by way of others" if copy.distance is None else f"{copy.distance:.1f} bits"
                told = (*facts[copy.clip_id], apart, *([copy.how] if copy.how else []))
                own.append(DuplicateCard(copy.clip_id, paths[copy.clip_id], told, kept=False))
            cards.append((own, max(0, len(group.copies) - MOST_COPIES), len(group.copies) + 1))
        same, total = _same_files(run)
        return show_page(
            "duplicates.html.j2",
            site,
            judged=groups.judged,
            count=len(groups),
            dropped=groups.dropped,
            groups=cards,
            page=page,
            pages=pages,
            chosen_by=_chosen_by(run),
            same_files=same,
            same_total=total,
        )

    return [Route("/duplicates", duplicates)]


def _number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 9 else 1


def _step(run: OpenRun) -> DedupStep | None:
    return next(iter(run.context.pipeline.steps_of(DedupStep)), None)


def _chosen_by(run: OpenRun) -> str:
    """Say what makes a clip the best of its group."""
    step = _step(run)
    own = f"{step.best} {step.keep_best_by}, then " if step and step.keep_best_by else ""
    return f"{own}resolution, then length"


def _facts(run: OpenRun, ids: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Return what decided about each clip, as texts."""
    if not ids:
        return {}
    step = _step(run)
    own = step.keep_best_by if step else ""
    keys = pa.array(ids, pa.string())
    listing = run.listing
    clips = parse_clip_ids(keys, listing.videos.table["video_id"].combine_chunks())
    population = Population(listing.videos, listing.file_ids, clips, probed=True)
    names = list(dict.fromkeys([*([own] if own else []), "probe.width", "probe.height"]))
    found = {}
    for row in clip_columns(run.context, population, names).to_pylist():
        size = f"{row['probe.width']} x {row['probe.height']}"
        clip = Clip.parse(row["key"])
        score = [f"{own} {_text(row[own])}"] if own else []
        found[row["key"]] = (*score, size, f"{clip.num_frames} frames")
    return {clip_id: found.get(clip_id, ()) for clip_id in ids}


def _text(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def _paths(run: OpenRun, ids: Sequence[str]) -> Mapping[str, str]:
    """Return the file of each clip."""
    videos = run.listing.videos.table
    wanted = pa.array(sorted({Clip.parse(clip_id).video_id for clip_id in ids}), pa.string())
    rows = videos.filter(pc.is_in(videos["video_id"], value_set=wanted))
    names = dict(zip(rows["video_id"].to_pylist(), rows["relative_path"].to_pylist(), strict=True))
    return {clip_id: names.get(Clip.parse(clip_id).video_id, "") for clip_id in ids}


def _same_files(run: OpenRun) -> tuple[list[tuple[str, str]], int]:
    """Return files whose content another one has, each with the reason, and how many there are."""
    report = next((report for report in run.reports if report.title == "probe"), None)
    if report is None:
        return [], 0
    table = report.decided.table
    mine = table.filter(pc.fill_null(pc.starts_with(table["rule"], SAME_CONTENT), False))
    shown = mine.slice(0, MOST_FILES)
    videos = run.listing.videos.table
    at = pc.index_in(shown["video_id"], value_set=videos["video_id"].combine_chunks())
    paths = videos["relative_path"].take(at)
    pairs = zip(paths.to_pylist(), shown["rule"].to_pylist(), strict=True)
    return [(path or "", rule) for path, rule in pairs], mine.num_rows
