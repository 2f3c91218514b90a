"""What the catalogue answers with."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clipmill.browse.catalogue.query import Query


@dataclass(frozen=True)
class CatalogueClip:
    """A clip as a page shows it.

    Attributes:
        row: Its row in the catalogue.
        key: `clip_id`; the `video_id` of what never became a clip.
        clip_id: None for what never became a clip.
        video_id: Its video.
        path: Relative to the source.
        source: Name of the source; empty for an unnamed one.
        start: First frame of the video; None without a clip, as the next.
        end: One past the last frame.
        state: `kept`, `dropped`, `failed`, `postponed` or `pending`.
        step: Title of the step that decided; empty where kept.
        reason: Its rule, or the kind of error.
        detail: The rule or error in full.
        column: Number that was judged; empty for none.
        value: What it was.
        threshold: Where it was cut.
        rank: Ascending, from 1.
        population: How many were ranked.
        num_samples: Samples of the clip.
        caption: Text of its samples; before there are any, of its caption row or its video.
        numbers: Smallest and largest value of the numbers that the query names; None for none.
    """

    row: int
    key: str
    clip_id: str | None
    video_id: str
    path: str
    source: str
    start: int | None
    end: int | None
    state: str
    step: str
    reason: str
    detail: str
    column: str
    value: float | None
    threshold: float | None
    rank: int | None
    population: int | None
    num_samples: int
    caption: str
    numbers: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)

    @property
    def num_frames(self) -> int | None:
        """Length in frames; None without a clip."""
        return None if self.start is None or self.end is None else self.end - self.start

    def plain(self) -> dict[str, Any]:
        """Return it for JSON, which knows no NaN and no infinity."""
        plain = vars(self) | {"num_frames": self.num_frames}
        for name in ("value", "threshold"):
            plain[name] = _finite(plain[name])
        numbers = {
            name: None if pair is None else [_finite(value) for value in pair]
            for name, pair in self.numbers.items()
        }
        return plain | {"numbers": numbers}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


@dataclass(frozen=True)
class FacetValue:
    """A value of a facet.

    Attributes:
        value: The state, step, reason or source.
        count: Clips that the rest of the query asks for and that have it.
        chosen: Whether the query asks for it.
    """

    value: str
    count: int
    chosen: bool


@dataclass(frozen=True)
class Facet:
    """A column of few values.

    Attributes:
        name: `state`, `step`, `reason` or `source`.
        values: Steps and states in the order of the run, others by their count.
    """

    name: str
    values: Sequence[FacetValue]


@dataclass(frozen=True)
class CataloguePage:
    """One page of an answer.

    Attributes:
        query: What was asked, at the page that is given.
        clips: Those of the page.
        total: Clips of all pages.
        pages: Number of pages, at least 1.
        of: Clips of the catalogue.
        facets: In the order of `FACETS`.
    """

    query: Query
    clips: Sequence[CatalogueClip]
    total: int
    pages: int
    of: int
    facets: Sequence[Facet]


@dataclass(frozen=True)
class RankedClip:
    """Where a clip stands in the ranking of a number.

    Attributes:
        column: The number.
        value: Of the clip.
        rank: Ascending, from 1.
        population: How many clips have the number.
        below: Clips with smaller values, the nearest first.
        above: Clips with larger values, the nearest first.
    """

    column: str
    value: float
    rank: int
    population: int
    below: Sequence[CatalogueClip]
    above: Sequence[CatalogueClip]
