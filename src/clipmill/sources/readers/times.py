"""Rows that name a part of a video by its start and end."""

import datetime
import math
import re
from typing import Any, Literal, NamedTuple

from clipmill.clips import Span

Unit = Literal["seconds", "frames"]

TIME_COLUMNS: tuple[tuple[str, str, Unit], ...] = (
    ("start_frame", "end_frame", "frames"),
    ("frame_start", "frame_end", "frames"),
    ("start", "end", "seconds"),
    ("start_time", "end_time", "seconds"),
    ("start_sec", "end_sec", "seconds"),
    ("start_seconds", "end_seconds", "seconds"),
    ("start_s", "end_s", "seconds"),
    ("start_timestamp", "end_timestamp", "seconds"),
    ("begin", "end", "seconds"),
)
"""Names of the two columns and what they count, in order of preference; in lower case."""

_CLOCK = re.compile(r"(?:(\d{1,6}):)?(\d{1,6}):(\d{1,6}(?:\.\d*)?)")


class TimeColumns(NamedTuple):
    """Columns that hold a start and an end.

    Attributes:
        start: Name of the first.
        end: Name of the second.
        unit: What they count.
    """

    start: str
    end: str
    unit: Unit


def parse_span(start: Any, end: Any, unit: Unit, where: str) -> Span | None:
    """Return the part of a video that two cells name; None when both are empty.

    Args:
        start: First moment: a number, `h:mm:ss.fff`, or empty for the beginning of the video.
        end: Moment after the last one, or empty for the end of the video.
        unit: What numbers count; frames are counted from 0, and the end is not in the part.
        where: Line or row, kept in the span.

    Raises:
        ValueError: A cell cannot be read, or the part is empty; the message says why.
    """
    first, last = _moment(start, unit, "start"), _moment(end, unit, "end")
    if first is None and last is None:
        return None
    if last is not None and last <= (first or 0.0):
        raise ValueError(f"its end {end} is not after its start {start or 0}")
    return Span(first or 0.0, last, unit, where=where)


def _moment(value: Any, unit: Unit, name: str) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    number = _number(value, unit)
    if number is None or number < 0 or math.isinf(number):
        wanted = "a whole number of frames" if unit == "frames" else "seconds or h:mm:ss"
        raise ValueError(f"its {name} {str(value)[:40]!r} is not {wanted}")
    return None if math.isnan(number) else number


def _number(value: Any, unit: Unit) -> float | None:
    """Return a cell as a number; NaN, which tables write for nothing, stays; None if it is none."""
    if isinstance(value, datetime.timedelta):
        value = value.total_seconds()
    if isinstance(value, str):
        clock = _CLOCK.fullmatch(value.strip()) if unit == "seconds" else None
        if clock:
            hours, minutes, seconds = clock.groups()
            return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return math.inf
    if unit == "frames" and math.isfinite(number) and not number.is_integer():
        return None
    return number
