"""The clips of a stage that no worker of the cluster has."""

from clipmill.engine.base import Item
from clipmill.engine.waiting import QUIET_LOT, Company, Waiting


class ClusterWork(Waiting):
    """As on one machine, but a clip that is to be alone stops the work of its node only."""

    def next_item(self) -> Item | None:
        """Return the next clip for any worker; None when there is none."""
        return self._back.popleft() if self._back else next(self._fresh, None)

    def at_least(self, count: int) -> int:
        """Return how many clips wait for any worker; counts no further than `count`."""
        while len(self._back) < count and (item := next(self._fresh, None)) is not None:
            self._back.append(item)
        return min(len(self._back), count)

    @property
    def quiet_nodes(self) -> int:
        """Nodes that should be quiet now, for the clips that are to be alone."""
        if not self._alone:
            return 0
        lots = len(self._alone) // QUIET_LOT
        return lots if self.at_least(1) else max(lots, 1)

    @property
    def left(self) -> bool:
        """Whether any clip waits."""
        return bool(self._alone or self._apart or self.at_least(1))

    def next_apart(self) -> Item | None:
        """Return a clip for a worker that has nothing else."""
        return self._apart.popleft() if self._apart else None

    def next_alone(self) -> Item | None:
        """Return a clip for a node that has no other worker."""
        return self._alone.popleft() if self._alone else None

    def again(self, item: Item, company: Company) -> None:
        """Take a clip back that could not be placed, before all others like it."""
        (self._alone if company is Company.ALONE else self._apart).appendleft(item)
