"""What the page says of a query in words, each with the address that takes it away."""

from collections.abc import Iterator
from dataclasses import dataclass

from clipmill.browse.catalogue import Catalogue, Query
from clipmill.browse.catalogue.dates import DATE, told_date
from clipmill.browse.catalogue.query import FACETS
from clipmill.inspection.histogram import number

_TEXTS = {"q": "search", "caption": "caption has", "path": "path has"}
_ORDERS = (
    ("", "order of the run"),
    ("path", "path"),
    ("-clip.num_frames", "longest"),
    ("clip.num_frames", "shortest"),
    ("-verdict.value", "judged value, largest"),
    ("verdict.value", "judged value, smallest"),
    ("-clip.num_samples", "most samples"),
    (f"-{DATE}", "date of the run, latest"),
    (DATE, "date of the run, earliest"),
)


@dataclass(frozen=True)
class Chip:
    """A filter that is on.

    Attributes:
        text: What it asks for.
        address: The query without it.
    """

    text: str
    address: str


def chips_of(query: Query) -> list[Chip]:
    """Return the filters of a query."""
    return list(_chips(query))


def _chips(query: Query) -> Iterator[Chip]:
    for facet in FACETS:
        for value in getattr(query, facet):
            yield Chip(f"{facet}: {value}", query.toggled(facet, value).address)
    for name, words in _TEXTS.items():
        if text := getattr(query, name):
            yield Chip(f"{words} {text}", query.having(**{name: ""}).address)
    for one in query.ranges:
        if one.column == DATE and not one.missing:
            since = f"since {one.since}" if one.since else ""
            until = f"until {one.until}" if one.until else ""
            told = " ".join(filter(None, ("run", since, until)))
            yield Chip(told, query.without_range(DATE).address)
            continue
        low = "" if one.low is None else f"{number(one.low)} ≤ "
        high = "" if one.high is None else f" ≤ {number(one.high)}"
        text = f"no {one.column}" if one.missing else f"{low}{one.column}{high}"
        yield Chip(text, query.without_range(one.column).address)


def order_choices(catalogue: Catalogue) -> list[tuple[str, str]]:
    """Return the orders that a page offers: value of `sort`, and words."""
    listed = ("clip.", "verdict.", DATE)
    others = [name for name in catalogue.levels if not name.startswith(listed)]
    choices = list(_ORDERS)
    for name in others:
        choices += [(f"-{name}", f"{name}, largest"), (name, f"{name}, smallest")]
    return choices


def told_number(column: str, value: float) -> str:
    """Return a value of a column as people write it."""
    return told_date(value) if column == DATE else number(value)
