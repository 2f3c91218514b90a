"""The worker processes of the local engine: started where a stage has room, ended where not."""

from collections import Counter
from collections.abc import Iterable

from clipmill.engine.processes.child import Open, Shut
from clipmill.engine.processes.slot import Slot, WorkerBooks
from clipmill.engine.resources.placing import Place
from clipmill.engine.waiting import Company, Waiting


class Crew:
    """Processes that live on from stage to stage where they fit the next one.

    Attributes:
        slots: Those that are alive.
        places: One per worker that the stage may have.
    """

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.places: list[Place] = []
        self._threads = 1
        self._stage: Waiting | None = None

    def begin(self, stage: Waiting, places: Iterable[Place]) -> None:
        """Get ready for a stage: keep processes that see and use what its workers are to.

        Others end, and those that stay let go of their model: it takes memory that this stage may
        need.
        """
        self._stage, self.places = stage, list(places)
        self._threads = stage.spec.cpu_threads
        free = Counter(self.places)
        for slot in list(self.slots):
            if slot.busy or slot.threads != self._threads or not free[slot.place]:
                self.end([slot])
                continue
            free[slot.place] -= 1
            if slot.stage is not None:
                slot.outbox.put(Shut())
            slot.stage, slot.ready, slot.company = None, False, Company.ANY

    def __contains__(self, worker: object) -> bool:
        """Whether a worker is one of the processes."""
        return worker in self.slots

    def lose(self, worker: WorkerBooks) -> None:
        """Strike a process off that is dead, or about to be."""
        self.slots = [slot for slot in self.slots if slot is not worker]

    @property
    def busy(self) -> list[Slot]:
        """Those that have clips."""
        return [slot for slot in self.slots if slot.busy]

    @property
    def can_grow(self) -> bool:
        """Whether another process may be started."""
        return len(self.slots) < len(self.places)

    def idle(self) -> Slot | None:
        """Return a process without clips, a new one if need be; None when there is none."""
        found = next((slot for slot in self.slots if not slot.busy), None)
        return found or (self.start() if self.can_grow else None)

    def start(self) -> Slot:
        """Start one more process, on the place that has the fewest."""
        taken = Counter(slot.place for slot in self.slots)
        place = next(place for place in self.places if taken[place] < self.places.count(place))
        slot = Slot.start(place, self._threads)
        self.slots.append(slot)
        return slot

    def open(self, slot: Slot) -> None:
        """Have a process work on the stage, if it does not yet."""
        assert self._stage is not None
        if slot.stage is not self._stage:
            slot.stage, slot.asked = self._stage, False
            slot.outbox.put(Open(self._stage.spec))

    def shrink(self, slot: WorkerBooks) -> bool:
        """Give up the place of a process that found no memory; False if it is the only one."""
        if len(self.places) < 2:
            return False
        self.places.remove(slot.place)
        return True

    def end(self, slots: Iterable[Slot]) -> None:
        """End processes."""
        for slot in list(slots):
            self.slots.remove(slot)
            slot.end()

    def kill(self) -> None:
        """End all processes at once."""
        for slot in self.slots:
            slot.kill()
        self.slots.clear()
