"""What is asked of the catalogue, and its form in the address of a page."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, get_args
from urllib.parse import urlencode

from clipmill.browse.catalogue.dates import DATE, read_date, write_date
from clipmill.errors import UsageError
from clipmill.results.outcomes import Status

FACETS: Final = ("state", "step", "reason", "source")
"""Columns of few values, each with counts."""

MISSING: Final = "none"
"""In the place of a range: clips that have no such number."""

PAGE_SIZE: Final = 60
MAX_PAGE_SIZE: Final = 500
MAX_WORDS: Final = 32
MAX_RANGES: Final = 32

_FORM = ("column", "low", "high", "since", "until")
"""Ranges as the forms of the page send them: a number in three fields, dates in two."""
_TEXTS = ("q", "caption", "path")
_WORD = re.compile(r'"([^"]*)"|(\S+)')
_SPAN = re.compile(r"(?P<low>.*?)\.\.(?P<high>.*)")


@dataclass(frozen=True)
class ScoreRange:
    """Values of a number that are asked for.

    Attributes:
        column: `annotation.column`.
        low: Smallest; None for no limit. Of `run.date`, seconds since 1970.
        high: Largest; None for no limit.
        missing: Ask for clips that have no such number; without limits.
    """

    column: str
    low: float | None = None
    high: float | None = None
    missing: bool = False

    @property
    def text(self) -> str:
        """The form in an address: `0.5..2`, `..2`, `0.5..` or `none`; of dates, with days."""
        if self.missing:
            return MISSING
        if self.column == DATE:
            return f"{self.since}..{self.until}"
        return f"{_written(self.low)}..{_written(self.high)}"

    @property
    def since(self) -> str:
        """First day or moment of a range of dates; empty for no limit."""
        return "" if self.low is None else write_date(self.low)

    @property
    def until(self) -> str:
        """Last day or moment of a range of dates; empty for no limit."""
        return "" if self.high is None else write_date(self.high, ends=True)


@dataclass(frozen=True)
class Query:
    """A view of the catalogue.

    Attributes:
        state: Any of these; so the next three. Empty for all.
        step: Titles of steps.
        reason: Rules, or kinds of errors.
        source: Names of sources.
        q: Words that are all in the caption, path or id of a clip, in upper or lower case; words
            in quotes belong together.
        caption: Words that are all in the caption.
        path: Words that are all in the path.
        ranges: All of them hold. One of objects or samples holds where any has such a number.
        sort: A column, of numbers or of texts; the order of the run when empty.
        descending: Largest first. Objects and samples count by their largest then, else by their
            smallest. What has no number comes last either way.
        page: From 1.
        size: Clips of a page.
    """

    state: tuple[str, ...] = ()
    step: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    q: str = ""
    caption: str = ""
    path: str = ""
    ranges: tuple[ScoreRange, ...] = ()
    sort: str = ""
    descending: bool = False
    page: int = 1
    size: int = PAGE_SIZE

    @classmethod
    def parse(cls, items: Iterable[tuple[str, str]]) -> "Query":
        """Read the fields of an address; empty ones are left out.

        Names with a dot are ranges of numbers: `quality.clarity=100..`.

        Raises:
            UsageError: No such field, or a value that is none.
        """
        given = [(name, value) for name, value in items if value.strip()]
        form = {name: value for name, value in given if name in _FORM}
        if "column" in form:
            low, high = form.get("low", ""), form.get("high", "")
            given.append((form["column"], f"{low}..{high}"))
        if form.keys() & {"since", "until"}:
            given.append((DATE, f"{form.get('since', '')}..{form.get('until', '')}"))
        facets: dict[str, list[str]] = {name: [] for name in FACETS}
        ranges: list[ScoreRange] = []
        single: dict[str, Any] = {}
        for name, value in given:
            if name in facets:
                facets[name].append(value)
            elif "." in name:
                ranges.append(_range(name, value))
            elif name in (*_TEXTS, "sort", "page", "size"):
                single[name] = value
            elif name not in _FORM:
                raise UsageError(
                    f"there is no filter '{name}'; there are: {', '.join((*FACETS, *_TEXTS))}, "
                    "sort, page, size, and numbers such as quality.clarity=100..500"
                )
        _check(facets["state"], ranges, single)
        sort = single.pop("sort", "")
        several: dict[str, Any] = {
            name: tuple(dict.fromkeys(values)) for name, values in facets.items()
        }
        return cls(
            **several,
            **{name: single[name] for name in _TEXTS if name in single},
            # Of two ranges of one number the later one counts.
            ranges=tuple({one.column: one for one in ranges}.values()),
            sort=sort.removeprefix("-"),
            descending=sort.startswith("-"),
            page=_count("page", single.get("page", "1"), most=10**9),
            size=_count("size", single.get("size", str(PAGE_SIZE)), most=MAX_PAGE_SIZE),
        )

    @property
    def items(self) -> list[tuple[str, str]]:
        """The fields of its address; `parse` gives the same query back."""
        found = [(name, value) for name in FACETS for value in getattr(self, name)]
        found += [(name, text) for name in _TEXTS if (text := getattr(self, name))]
        found += [(one.column, one.text) for one in self.ranges]
        if self.sort:
            found.append(("sort", "-" * self.descending + self.sort))
        if self.page != 1:
            found.append(("page", str(self.page)))
        if self.size != PAGE_SIZE:
            found.append(("size", str(self.size)))
        return found

    @property
    def address(self) -> str:
        """Its fields as the query of an address, without a `?`."""
        return urlencode(self.items)

    @property
    def dates(self) -> ScoreRange:
        """The range of dates that it asks for; without limits where it asks for none."""
        return next((one for one in self.ranges if one.column == DATE), ScoreRange(DATE))

    def having(self, **changes: Any) -> "Query":
        """Return the query with other fields, at its first page."""
        return replace(self, **({"page": 1} | changes))

    def toggled(self, facet: str, value: str) -> "Query":
        """Return the query that asks for a value of a facet as well, or no longer."""
        had = getattr(self, facet)
        now = tuple(v for v in had if v != value) if value in had else (*had, value)
        return self.having(**{facet: now})

    def without_range(self, column: str) -> "Query":
        """Return the query without a range."""
        return self.having(ranges=tuple(one for one in self.ranges if one.column != column))


def words_of(text: str) -> list[str]:
    """Return the words of a search; those in quotes are one."""
    return [quoted or plain for quoted, plain in _WORD.findall(text) if quoted or plain]


def _check(states: list[str], ranges: list[ScoreRange], single: dict[str, Any]) -> None:
    known = get_args(Status)
    for state in states:
        if state not in known:
            raise UsageError(f"there is no state '{state}'; there are: {', '.join(known)}")
    if len(ranges) > MAX_RANGES:
        raise UsageError(f"a view has at most {MAX_RANGES} ranges of numbers, not {len(ranges)}")
    for name in _TEXTS:
        if len(words_of(single.get(name, ""))) > MAX_WORDS:
            raise UsageError(f"{name}: search for at most {MAX_WORDS} words")


def _range(column: str, text: str) -> ScoreRange:
    if text.strip() == MISSING:
        return ScoreRange(column, missing=True)
    match = _SPAN.fullmatch(text.strip())
    low, high = (match["low"], match["high"]) if match else (text, text)
    found = ScoreRange(column, _limit(column, low), _limit(column, high, ends=True))
    if found.low is not None and found.high is not None and found.low > found.high:
        raise UsageError(f"{column}: the range {text} is empty, its ends are in the wrong order")
    return found


def _limit(column: str, text: str, *, ends: bool = False) -> float | None:
    if not text.strip():
        return None
    if column == DATE:
        return read_date(text, ends=ends)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise UsageError(
            f"{column}: '{text[:40]}' is no number; write a range such as 0.5..2, ..2 or 0.5.., "
            f"or '{MISSING}'"
        )
    return value


def _written(value: float | None) -> str:
    if value is None:
        return ""
    whole = math.isfinite(value) and value == int(value) and abs(value) < 1e15
    return f"{value:.0f}" if whole else repr(value)


def _count(name: str, text: str, *, most: int) -> int:
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 11 else 0
    if not 1 <= value <= most:
        raise UsageError(f"{name} is a number from 1 to {most}, not '{text[:40]}'")
    return value
