"""Queries and their addresses."""

from urllib.parse import parse_qsl

import pytest

from clipmill.browse.catalogue import Query, ScoreRange
from clipmill.errors import UsageError


def parsed(text: str) -> Query:
    return Query.parse(parse_qsl(text, keep_blank_values=True))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "state=kept&state=dropped&step=quality+selection&reason=a%26b&source=x",
        "q=%22red+ball%22+dog&caption=night&path=a%2Fb",
        "quality.clarity=0.25..1e%2B300&camera.zoom=none&a.b=..5&c.d=-3..",
        "sort=-quality.clarity&page=3&size=12",
        "run.date=2026-03-01..2026-03-31",
        "run.date=2026-03-01T18%3A30%3A00..&sort=-run.date",
        "run.date=..2999-12-31",
        "run.date=none",
    ],
)
def test_an_address_gives_its_query_back(text):
    query = parsed(text)
    assert Query.parse(query.items) == query
    assert parsed(query.address) == query


def test_ranges_are_read():
    query = parsed("a.b=1..2.5&c.d=3&e.f=..4&g.h=none&a.b=7..")
    assert query.ranges == (
        ScoreRange("a.b", 7.0),
        ScoreRange("c.d", 3.0, 3.0),
        ScoreRange("e.f", None, 4.0),
        ScoreRange("g.h", missing=True),
    )


def test_the_form_of_the_page_gives_a_range():
    assert parsed("column=a.b&low=2&high=").ranges == (ScoreRange("a.b", 2.0),)
    assert parsed("column=&low=2&high=") == Query()


def test_a_range_of_dates_holds_whole_days():
    (one,) = parsed("run.date=2026-03-01").ranges
    assert (one.low, one.high) == (1772323200.0, 1772323200 + 86399.999)
    assert (one.since, one.until) == ("2026-03-01", "2026-03-01")
    (one,) = parsed("run.date=..2026-03-01T18:30%2B02:00").ranges
    assert (one.low, one.high, one.until) == (None, 1772323200 + 16.5 * 3600, "2026-03-01T16:30:00")


def test_the_form_of_dates_gives_a_range():
    query = parsed("since=2026-03-01&until=&state=kept")
    assert query.address == "state=kept&run.date=2026-03-01.."
    assert parsed("since=&until=2026-03-01").address == "run.date=..2026-03-01"
    assert parsed("since=&until=") == Query()


def test_empty_fields_ask_for_nothing():
    assert parsed("q=&state=&sort=&page=&a.b=") == Query()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour=red", "no filter 'colour'"),
        ("state=lost", "no state 'lost'"),
        ("a.b=much", "a.b: 'much' is no number"),
        ("a.b=nan..", "is no number"),
        ("a.b=3..1", "wrong order"),
        ("run.date=2026-03-02..2026-03-01", "wrong order"),
        ("run.date=yesterday", "run.date: 'yesterday' is no date; write 2026-03-01"),
        ("since=9999-12-31&until=", "is no date"),
        ("page=0", "page is a number from 1"),
        ("page=" + "9" * 5000, "page is a number from 1"),
        ("page=²", "page is a number from 1"),
        ("size=100000", "size is a number from 1 to 500"),
        ("q=" + "a+" * 1000, "at most 32 words"),
        ("&".join(f"a.b{n}=1" for n in range(100)), "at most 32 ranges"),
    ],
)
def test_what_is_no_query_is_refused_with_words(text, said):
    with pytest.raises(UsageError, match=said):
        parsed(text)


def test_a_value_of_a_facet_is_toggled_and_the_view_begins_at_its_first_page():
    query = parsed("state=kept&page=4")
    assert query.toggled("state", "failed").address == "state=kept&state=failed"
    assert query.toggled("state", "kept").address == ""
