"""The work of one stage that is not placed yet, and in which order it is."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from clipmill.engine.base import Item
from clipmill.engine.spec import StageSpec

QUIET_LOT = 8
"""So many clips that may have lacked memory are tried by themselves before fresh ones go on."""


class Company(Enum):
    """What a clip is worked on beside."""

    ANY = "other clips, here and on other workers"
    APART = "it is tried again, with no other clip on its worker"
    ALONE = "it is tried again, with no other worker on the machine"


@dataclass(frozen=True)
class Again:
    """A clip that is tried once more."""

    item: Item
    company: Company


class Waiting:
    """Clips that wait for a worker.

    Args:
        spec: The stage.
        items: Its clips; read only as far as they are placed.
    """

    def __init__(self, spec: StageSpec, items: Iterable[Item]) -> None:
        self.spec = spec
        self.early_deaths = 0
        self._fresh = iter(items)
        self._back: deque[Item] = deque()
        self._apart: deque[Item] = deque()
        self._alone: deque[Item] = deque()
        self._calm = False

    @property
    def apart(self) -> bool:
        """Whether a clip waits for a worker that has nothing else."""
        return bool(self._apart)

    def next_again(self, *, idle: bool, others: bool) -> Again | None:
        """Return a clip to try once more; None when there is none to be placed now.

        Args:
            idle: Whether there is a worker that has nothing to do.
            others: Whether workers are busy.
        """
        if self._apart:
            return Again(self._apart.popleft(), Company.APART) if idle else None
        self._calm = bool(self._alone) and (self._calm or len(self._alone) >= QUIET_LOT)
        if self._alone and not others and (self._calm or self.peek() is None):
            return Again(self._alone.popleft(), Company.ALONE)
        return None

    def next_item(self) -> Item | None:
        """Return the next clip for any worker; None when there is none to be placed now."""
        if self._calm:
            return None
        if not self._back:
            return next(self._fresh, None)
        return self._back.popleft()

    def peek(self) -> Item | None:
        """Return what `next_item` would give, and leave it there."""
        item = self.next_item()
        if item is not None:
            self._back.appendleft(item)
        return item

    def retry(self, items: Iterable[Item], company: Company) -> None:
        """Try clips again, one by one."""
        (self._alone if company is Company.ALONE else self._apart).extend(items)

    def put_back(self, items: Iterable[Item]) -> None:
        """Take back clips that were placed and not begun."""
        self._back.extend(items)
