"""How fast the workers of a stage are, as far as is known by now."""

import time
from collections.abc import Sequence

from clipmill.engine.ray.remote import RemoteWorker
from clipmill.engine.ray.work import ClusterWork

_LOOK_AHEAD = 1000
"""Clips that are read at most to see how much is left."""

_TRIP_SECONDS = 2.0
"""A worker has clips for so long, so that it does not wait for the way to it and back."""

_ACTOR_SECONDS = 2.0
"""An actor takes about this long to begin."""

_LINGER = 0.1
_MAX_LINGER = 2.0
_LINGER_PER_WORKER = 0.004


class Pace:
    """Counts what is done, and says what follows from it for feeding and for further workers."""

    def __init__(self) -> None:
        self._start_seconds = 0.0
        self._clips = 0
        self._seconds = 0.0
        self._since = 0.0

    def began(self, seconds: float) -> None:
        """Note that a worker took so long, once it was there, until its model was loaded."""
        self._start_seconds = max(self._start_seconds, seconds + _ACTOR_SECONDS)

    def done(self, clips: int) -> None:
        """Note outcomes."""
        self._clips += clips

    def tick(self, workers: Sequence[RemoteWorker]) -> None:
        """Note that so many work; called again and again."""
        now = time.monotonic()
        at_it = sum(1 for one in workers if one.working and one.busy)
        self._seconds += at_it * (now - self._since) if self._since else 0.0
        self._since = now

    @property
    def per_worker(self) -> float:
        """Clips per second that one worker does; 0 while unknown."""
        return self._clips / self._seconds if self._clips and self._seconds else 0.0

    def clips_each(self, stage: ClusterWork) -> int:
        """Return how many clips a worker should have."""
        spec = stage.spec
        window = 2 * (spec.ahead + spec.batch_size)
        return max(window, int(self.per_worker * _TRIP_SECONDS) + 1)

    def linger(self, workers: int) -> float:
        """Return how long an actor should gather messages, so that the engine can hear them all."""
        return min(_MAX_LINGER, _LINGER + _LINGER_PER_WORKER * workers)

    def pays(self, stage: ClusterWork, workers: int) -> bool:
        """Tell whether one more worker would be there before the others are done.

        Args:
            stage: What is left.
            workers: Those that work, or will soon.
        """
        if not workers or not self.per_worker:
            # Nothing is known: a process takes a second to begin, not for a clip or two of a stage
            # that does dozens in that time.
            each = max(1, stage.spec.unit_size // 8)
            return stage.at_least(workers * each + 1) > workers * each
        meanwhile = min(int(self.per_worker * self._start_seconds * workers), _LOOK_AHEAD)
        return stage.at_least(meanwhile + 1) > meanwhile
