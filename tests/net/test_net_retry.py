"""How long a failing server is waited for."""

import email.utils
import time

import pytest

from clipmill.net.errors import DownloadError, TransientError
from clipmill.net.retry import ENOUGH_BYTES, Patience, Retries, asked_wait


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"RateLimit": '"api";r=0;t=55'}, 55),
        ({"RateLimit": '"api";r=9;t=55'}, None),
    ],
)
def test_what_a_server_asks_for(headers: dict[str, str], seconds: float | None):
    assert asked_wait(headers) == seconds


def test_a_date_to_come_is_waited_for():
    date = email.utils.formatdate(time.time() + 40, usegmt=True)
    assert asked_wait({"Retry-After": date}) == pytest.approx(39, abs=2)


def test_waits_double_up_to_a_limit_and_progress_starts_again():
    waits: list[float] = []
    notes: list[str] = []
    retries = Retries(attempts=4, longest_wait=3, sleep=waits.append)
    patience = Patience("it", retries, notes.append)
    cut = TransientError("cut")
    for progress in (0, 0, ENOUGH_BYTES - 1, ENOUGH_BYTES, 0):
        patience.failed(cut, progress=progress)
    patience.failed(TransientError("busy", 60))
    assert waits == [1, 2, 3, 1, 3]
    assert notes[3] == "it: cut; going on where it stopped"
    patience.failed(cut)
    with pytest.raises(DownloadError, match="it could not be fetched, 4 tries in a row failed"):
        patience.failed(cut)
