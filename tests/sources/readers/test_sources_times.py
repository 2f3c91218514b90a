"""Start and end of a part, as tables write them."""

import datetime
import math

import pytest

from clipmill.clips import Span
from clipmill.sources.readers.rows import RowColumns
from clipmill.sources.readers.times import parse_span


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("0.0", "2.0", (0.0, 2.0)),
        (1, 2.5, (1.0, 2.5)),
        ("0:01:02.500", "00:01:03", (62.5, 63.0)),
        ("1:02", "62.5", (62.0, 62.5)),
        ("", "2", (0.0, 2.0)),
        (3, None, (3.0, None)),
        (math.nan, 4, (0.0, 4.0)),
        (datetime.timedelta(seconds=1), datetime.timedelta(minutes=1), (1.0, 60.0)),
    ],
)
def test_seconds_in_every_spelling(start, end, expected):
    assert parse_span(start, end, "seconds", "line 2") == Span(*expected, "seconds", where="line 2")


def test_frames_are_whole_numbers():
    assert parse_span("10", 20.0, "frames", "row 1") == Span(10.0, 20.0, "frames", where="row 1")
    with pytest.raises(ValueError, match=r"its start '1.5' is not a whole number of frames"):
        parse_span(1.5, 3, "frames", "")


@pytest.mark.parametrize("nothing", [None, "", "  ", math.nan])
def test_two_empty_cells_are_the_whole_video(nothing):
    assert parse_span(nothing, nothing, "seconds", "") is None


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        ("abc", 2, "its start 'abc' is not seconds or h:mm:ss"),
        (0, "2 s", "its end '2 s' is not seconds"),
        (-1, 2, "its start '-1' is not"),
        (0, True, "its end 'True' is not"),
        (0, math.inf, "its end 'inf' is not"),
        (0, 10**400, "its end '1000"),
        ([0], 1, "its start '\\[0\\]' is not"),
        (2, 2, "its end 2 is not after its start 2"),
        (None, 0, "its end 0 is not after its start 0"),
    ],
)
def test_what_is_no_time_says_so(start, end, reason):
    with pytest.raises(ValueError, match=reason):
        parse_span(start, end, "seconds", "")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["video", "start", "end"], ("start", "end", "seconds")),
        (["video", "Start_Time", "END_TIME"], ("Start_Time", "END_TIME", "seconds")),
        (
            ["video", "start_frame", "end_frame", "start", "end"],
            ("start_frame", "end_frame", "frames"),
        ),
        (["video", "start", "caption"], None),
    ],
)
def test_time_columns_are_found_by_their_usual_names(names, expected):
    chosen = RowColumns().find(names)
    assert chosen is not None
    assert chosen.times == expected


def test_time_columns_may_be_named_counted_otherwise_or_ignored():
    names = ["video", "from", "to", "start", "end"]
    chosen = RowColumns(start="from", end="to", times="frames").find(names)
    assert chosen is not None
    assert chosen.times == ("from", "to", "frames")
    ignoring = RowColumns(times="ignore").find(names)
    assert ignoring is not None
    assert ignoring.times is None
