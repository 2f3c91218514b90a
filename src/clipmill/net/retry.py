"""Asking a failing server again: how long to wait, and when to give up.

Own code, because what counts as a failure is the progress of one file over several requests:
`tenacity` counts calls and knows no bytes, and the hub's `http_backoff` neither caps the wait a
server asks for nor tells anybody that it waits.
"""

import email.utils
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clipmill.net.errors import DownloadError, TransientError

ENOUGH_BYTES = 1 << 16
"""So much progress between two failures starts the count again."""


@dataclass(frozen=True)
class Retries:
    """How a failing server is asked again.

    Attributes:
        attempts: Tries in a row without progress before giving up.
        first_wait: Seconds before the second try; doubles from try to try.
        longest_wait: Longest wait in seconds, also when the server asks for more.
        sleep: How to wait.
    """

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 120.0
    sleep: Callable[[float], None] = time.sleep


class Patience:
    """Counts failures in a row of one request and waits between them.

    Args:
        what: What is wanted, for messages.
        retries: How often, how long.
        note: Called with a line about every failure.
    """

    def __init__(self, what: str, retries: Retries, note: Callable[[str], None]) -> None:
        self._what, self._retries, self._note = what, retries, note
        self._failures = 0

    def failed(self, error: TransientError, *, progress: int = 0) -> None:
        """Wait before another try.

        Args:
            error: What went wrong.
            progress: Bytes that arrived nevertheless and are kept.

        Raises:
            DownloadError: It failed too often in a row.
        """
        if progress >= ENOUGH_BYTES:
            self._failures = 0
            self._note(f"{self._what}: {error}; going on where it stopped")
            return
        self._failures += 1
        if self._failures >= self._retries.attempts:
            raise DownloadError(
                f"{self._what} could not be fetched, {self._failures} tries in a row failed: "
                f"{error}. What was saved is kept; the same command goes on from there"
            ) from error
        wait = error.wait
        if wait is None:
            wait = self._retries.first_wait * 2 ** (self._failures - 1)
        wait = min(wait, self._retries.longest_wait)
        self._note(f"{self._what}: {error}; trying again in {wait:.0f} s")
        self._retries.sleep(wait)


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a server asks to wait; None if it does not.

    `Retry-After` is seconds or a date (RFC 9110, 10.2.3; the hub's library reads seconds only); the
    hub also tells when its rate limit ends.
    """
    from huggingface_hub.utils import parse_ratelimit_headers

    value = headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:  # no date, or nothing at all
        limit = parse_ratelimit_headers(headers)
    return float(limit.reset_in_seconds) if limit and limit.remaining == 0 else None
