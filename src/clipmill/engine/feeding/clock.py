"""How long a clip has been worked on, and the limit to it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from clipmill.errors import ClipStalledError, ClipTimeoutError

WALL_FACTOR = 5.0
"""A clip may take this many times its limit by the clock on the wall, whatever else goes on."""


class ClipClock:
    """Counts only the time in which a clip is worked on, not its waiting for the model.

    The limit is one of computing: of every stretch, the seconds on the wall or the processor
    seconds of the process with all its threads, whichever is less. A busy machine makes the first
    grow, and several threads the second.

    Args:
        limit: Seconds of computing allowed.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._wall = self._computing = 0.0
        self._since: tuple[float, float] | None = None
        self._lock = Lock()

    @property
    def elapsed(self) -> float:
        """Seconds worked so far, on the wall."""
        return self._spent()[0]

    @property
    def computing(self) -> float:
        """Seconds that count for the limit."""
        return self._spent()[1]

    def _spent(self) -> tuple[float, float]:
        """Return seconds on the wall and of computing."""
        with self._lock:
            if self._since is None:
                return self._wall, self._computing
            wall = time.monotonic() - self._since[0]
            processor = time.process_time() - self._since[1]
            return self._wall + wall, self._computing + min(wall, processor)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time of the block."""
        with self._lock:
            self._since = time.monotonic(), time.process_time()
        try:
            yield
        finally:
            spent = self._spent()
            with self._lock:
                self._wall, self._computing = spent
                self._since = None

    def check(self) -> None:
        """Stop the clip when a limit is passed.

        Raises:
            ClipTimeoutError: It has taken more computing than it may.
            ClipStalledError: It has taken far longer than that on the wall.
        """
        wall, computing = self._spent()
        if computing > self.limit:
            raise ClipTimeoutError(over_limit(self.limit))
        if wall > WALL_FACTOR * self.limit:
            raise ClipStalledError(stalled(self.limit))


def over_limit(limit: float) -> str:
    """Return what is said of a clip that has taken more computing than it may."""
    return (
        f"it took more than its limit of {limit:g} s of computing time; raise `time_limit` of "
        "the step"
    )


def stalled(limit: float) -> str:
    """Return what is said of a clip that came to no end, although little was computed."""
    return (
        f"it was not done after {WALL_FACTOR * limit:g} s, {WALL_FACTOR:g} times its limit, with "
        "less computing than that: the machine is busy, or something waits for ever"
    )
