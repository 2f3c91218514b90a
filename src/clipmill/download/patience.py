"""Asking a failing server again: how long to wait, and when to give up."""

import email.utils
import time
from collections.abc import Callable, Mapping

from huggingface_hub.utils import parse_ratelimit_headers

from clipmill.weights.errors import DownloadError
from clipmill.weights.http import Retries

ENOUGH_BYTES = 1 << 16
"""So much progress between two failures starts the count again."""


class TransientError(Exception):
    """Worth another try.

    Attributes:
        wait: Seconds the server asked to wait, if it did.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


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
                f"{error}. What is finished is kept; the same command goes on from there"
            ) from error
        wait = error.wait
        if wait is None:
            wait = self._retries.first_wait * 2 ** (self._failures - 1)
        wait = min(wait, self._retries.longest_wait)
        self._note(f"{self._what}: {error}; trying again in {wait:.0f} s")
        self._retries.sleep(wait)


def asked_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a server asks to wait; None if it does not.

    `Retry-After` is seconds or a date (RFC 9110, 10.2.3); the hub also tells when its rate limit
    starts anew.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:  # no date, or nothing at all
        limit = parse_ratelimit_headers(headers)
    return float(limit.reset_in_seconds) if limit and limit.remaining == 0 else None
