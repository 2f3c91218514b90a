"""What the page shows, and its rendering. Texts of users are escaped by the template engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import jinja2

from clipmill import __version__
from clipmill.audit.estimate import AuditResult
from clipmill.inspection.funnel import FunnelStep
from clipmill.inspection.histogram import HEIGHT, WIDTH, Histogram, number
from clipmill.inspection.templates import escaping_environment
from clipmill.report.costs import StageCost
from clipmill.report.distributions import Finals


@dataclass(frozen=True)
class Totals:
    """Numbers at the top; `kept` is None while the run is unfinished."""

    videos: int
    clips: int
    kept: int | None
    stage1: int
    stage2: int
    failed: int


@dataclass(frozen=True)
class Failure:
    """One line of the table of failures."""

    step: str
    path: str
    key: str
    error: str


@dataclass(frozen=True)
class Card:
    """A clip of the gallery.

    Attributes:
        data: See `clip_data`.
        group: See `Pick`.
        shapes: See `card_shapes`.
    """

    data: dict[str, Any]
    group: str
    shapes: dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Everything on the page."""

    pipeline: str
    description: str
    workspace: str
    totals: Totals
    pending: Sequence[FunnelStep]
    steps: Sequence[FunnelStep]
    scores: Sequence[Histogram]
    others: Sequence[Histogram]
    failures: Sequence[Failure]
    more_failures: int
    cards: Sequence[Card]
    finals: Finals
    costs: Sequence[StageCost]
    audits: Sequence[AuditResult]


def render_page(page: Page) -> str:
    """Return the HTML of the page."""
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            page=page,
            version=__version__,
            plot_size=(WIDTH, HEIGHT),
        )
    )


@cache
def _environment() -> jinja2.Environment:
    environment = escaping_environment("clipmill.report")
    environment.filters["path"] = _svg_path
    environment.filters["duration"] = _duration
    environment.filters["plain"] = number
    environment.filters["brief"] = brief_time
    environment.filters["thousands"] = "{:,}".format
    return environment


def _svg_path(flat: Sequence[float], *, closed: bool = False) -> str:
    """Return x0, y0, x1, y1, ... as an SVG path."""
    pairs = [f"{x:g} {y:g}" for x, y in zip(flat[::2], flat[1::2], strict=True)]
    return f"M{'L'.join(pairs)}{'Z' if closed else ''}" if pairs else ""


def brief_time(seconds: float) -> str:
    """Return a time with three digits at most: `42 ms`, `8.5 s`, `12 min`, `3.4 h`."""
    if 0 < seconds < 0.001:
        return "< 1 ms"
    for limit, unit, size in ((1, "ms", 0.001), (120, "s", 1), (7200, "min", 60)):
        if seconds < limit:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 3600:,.1f} h"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))
