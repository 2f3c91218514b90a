"""Lots of outcomes that are committed together."""

import time

from clipmill.store.annotations import Outcome

COMMIT_SECONDS = 5.0
"""Finished outcomes wait at most about this long for their commit."""


class Batcher:
    """Collects outcomes until there are enough, or they have waited long enough.

    Args:
        size: Outcomes per lot.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._outcomes: list[Outcome] = []
        self._oldest = 0.0

    def add(self, outcome: Outcome) -> bool:
        """Add an outcome; True when the lot should be taken now."""
        if not self._outcomes:
            self._oldest = time.monotonic()
        self._outcomes.append(outcome)
        waited = time.monotonic() - self._oldest
        return len(self._outcomes) >= self.size or waited > COMMIT_SECONDS

    def take(self) -> list[Outcome]:
        """Return what was collected and begin anew."""
        lot, self._outcomes = self._outcomes, []
        return lot
