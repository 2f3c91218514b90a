"""The column of dates: seconds since 1970 in memory, days and times (UTC) on pages."""

from datetime import UTC, datetime, timedelta
from typing import Final

from clipmill.errors import UsageError

DATE: Final = "run.date"
"""When the last row of a clip was written, of any annotation: the run that computed it."""

_DAY, _LAST = timedelta(days=1), timedelta(milliseconds=1)
_YEARS = range(1970, 3000)


def read_date(text: str, *, ends: bool) -> float:
    """Return a date as seconds since 1970.

    Args:
        text: `2026-03-01`, or with a time `2026-03-01T18:30`, UTC unless it says otherwise.
        ends: Whether it is the end of a range: a day is meant up to its last moment.

    Raises:
        UsageError: It is no date.
    """
    word = text.strip()
    try:
        found = datetime.fromisoformat(word)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        if found.year not in _YEARS:
            raise ValueError(f"no run was in {found.year}")
        if ends and len(word) <= len("2026-03-01"):
            found += _DAY - _LAST
        return round(found.timestamp(), 3)
    except ValueError as error:
        raise UsageError(
            f"{DATE}: '{text[:40]}' is no date; write 2026-03-01 or 2026-03-01T18:30 (UTC), as in "
            f"{DATE}=2026-03-01..2026-03-31"
        ) from error


def write_date(seconds: float, *, ends: bool = False) -> str:
    """Return the text of a date in an address; `read_date` gives it back."""
    found = _moment(seconds)
    day = found.replace(hour=0, minute=0, second=0, microsecond=0)
    if found == (day + _DAY - _LAST if ends else day):
        return f"{found:%Y-%m-%d}"
    return found.replace(tzinfo=None).isoformat()


def told_date(seconds: float) -> str:
    """Return a date as people read it, UTC."""
    return f"{_moment(seconds):%Y-%m-%d %H:%M}"


def _moment(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(seconds * 1000))
