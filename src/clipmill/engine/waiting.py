"""The work of one stage that is not placed yet, and in which order it is."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from clipmill.engine.base import Item
from clipmill.engine.spec import StageSpec
from clipmill.engine.units import in_units

QUIET_LOT = 8
"""So many clips that may have lacked memory are tried by themselves before fresh ones go on."""


class Company(Enum):
    """What a unit is worked on beside."""

    ANY = "other units, on other workers"
    APART = "it is one clip that is tried again, in a unit of its own"
    ALONE = "it is one clip that is tried again, with no other worker on the machine"


@dataclass(frozen=True)
class Unit:
    """Clips for one worker."""

    items: list[Item]
    company: Company = Company.ANY


class Waiting:
    """Units that wait for a worker.

    Args:
        spec: The stage.
        items: Its clips; read only as far as they are placed.
    """

    def __init__(self, spec: StageSpec, items: Iterable[Item]) -> None:
        self.spec = spec
        self.early_deaths = 0
        self._fresh = in_units(items, spec.unit_size)
        self._again: deque[Unit] = deque()
        self._alone: deque[Item] = deque()
        self._calm = False

    def next_unit(self, *, others: bool) -> Unit | None:
        """Return what to place next; None when there is nothing to be placed now.

        Args:
            others: Whether other workers are busy.
        """
        if self._again:
            return self._again.popleft()
        self._calm = bool(self._alone) and (self._calm or len(self._alone) >= QUIET_LOT)
        if not self._calm:
            fresh = next(self._fresh, None)
            if fresh:
                return Unit(fresh)
        if self._alone and not others:
            return Unit([self._alone.popleft()], Company.ALONE)
        return None

    def retry(self, items: Iterable[Item], company: Company) -> None:
        """Try clips again, one by one."""
        if company is Company.ALONE:
            self._alone.extend(items)
        else:
            self._again.extend(Unit([item], company) for item in items)

    def put_back(self, items: list[Item]) -> None:
        """Take back clips that were placed and not begun."""
        if items:
            self._again.append(Unit(items))
