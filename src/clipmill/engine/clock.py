"""How long a clip has been worked on, and the limit to it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from clipmill.errors import ClipTimeoutError


class ClipClock:
    """Counts only the time in which a clip is worked on, not its waiting for the model.

    Args:
        limit: Seconds allowed.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._spent = 0.0
        self._since: float | None = None
        self._lock = Lock()

    @property
    def elapsed(self) -> float:
        """Seconds worked so far."""
        with self._lock:
            running = time.monotonic() - self._since if self._since is not None else 0.0
            return self._spent + running

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of the block."""
        with self._lock:
            self._since = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                if self._since is not None:
                    self._spent += time.monotonic() - self._since
                self._since = None

    def check(self) -> None:
        """Raise ClipTimeoutError when the limit is passed."""
        if self.elapsed > self.limit:
            raise ClipTimeoutError(
                f"took longer than its limit of {self.limit:g} s; raise `time_limit` of the step"
            )
