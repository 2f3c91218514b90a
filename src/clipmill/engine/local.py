"""N spawned processes on this machine: survives clips that hang or kill their process."""

import time
from collections.abc import Generator, Iterable, Iterator
from multiprocessing.connection import wait

from clipmill.engine.base import Engine, Item, Resources
from clipmill.engine.dispatch.dealing import deal
from clipmill.engine.dispatch.hearing import Hearing
from clipmill.engine.processes.child import Measure
from clipmill.engine.processes.crew import Crew
from clipmill.engine.processes.slot import Slot
from clipmill.engine.rates import Measured, StageRates
from clipmill.engine.resources.machine import Machine
from clipmill.engine.resources.placing import places_of, settle
from clipmill.engine.spec import StageSpec, WorkerNeeds
from clipmill.engine.units import Batcher
from clipmill.engine.waiting import Waiting
from clipmill.store.annotations import Outcome

_MEASURE_SECONDS = 10.0
"""So long a process may take to say what it has done."""


class LocalEngine(Engine):
    """Runs stages on spawned processes, which live on from stage to stage.

    Args:
        workers: Number of processes; of stages with a GPU, the most. None: as many as cores, memory
            and GPUs have room for, stage by stage.
        machine: What there is; this machine if None.
    """

    def __init__(self, workers: int | None, machine: Machine | None = None) -> None:
        self._workers = workers
        self._machine = machine
        self._peak_rss = 0
        self._crew = Crew()

    @property
    def resources(self) -> Resources:
        """The processes, and the cores shared out among them."""
        machine = self._machine or Machine.here()
        count = len(places_of(WorkerNeeds(), machine, self._workers))
        return Resources(count, max(1, machine.cores // count))

    @property
    def peak_rss(self) -> int:
        """Largest resident set that a process has told of, bytes."""
        return self._peak_rss

    @property
    def slots(self) -> list[Slot]:
        """The processes that are alive."""
        return self._crew.slots

    def run(self, spec: StageSpec, items: Iterable[Item]) -> Generator[list[Outcome], None, None]:
        """Yield outcomes in lots worth committing, in the order they finish.

        A clip that kills its process is tried again apart from others, and fails if it does so
        again. One that lacked memory, or whose process was killed from outside, is tried again
        while no other worker is on the machine. Where there is no memory for the model of one more
        worker, the others go on. On Ctrl-C the finished outcomes are yielded before
        KeyboardInterrupt goes on.

        Raises:
            ClipmillError: A backend cannot be set up, or workers die before any clip begins.
        """
        machine = self._machine or Machine.here()
        places = places_of(spec.needs, machine, self._workers)
        stage = Waiting(settle(spec, machine, places), items)
        batcher = Batcher(spec.unit_size)
        count, began = 0, time.monotonic()
        try:
            self._crew.begin(stage, places)
            hearing = Hearing(self._crew, stage, self.say)
            while True:
                deal(self._crew, stage)
                if not self._crew.busy:
                    break
                for outcome in self._collect(hearing):
                    count += 1
                    if batcher.add(outcome):
                        yield batcher.take()
            self._note(
                StageRates.of(self._measure(stage), clips=count, seconds=time.monotonic() - began)
            )
        except KeyboardInterrupt:
            yield batcher.take()
            self._crew.kill()
            raise
        except BaseException:
            self._crew.kill()
            raise
        yield batcher.take()

    def close(self) -> None:
        """End the processes."""
        self._crew.end(self._crew.slots)

    def _collect(self, hearing: Hearing) -> Iterator[Outcome]:
        """Wait a moment for news and yield the outcomes that came."""
        slots = {slot.connection: slot for slot in self.slots}
        for ready in wait(list(slots), timeout=0.5):
            yield from hearing.hear(slots[ready])  # type: ignore[index]
        for slot in list(self.slots):
            if slot.outbox.error:
                raise slot.outbox.error
            if death := slot.overdue(hearing.stage.spec.time_limit):
                yield from hearing.bury(slot, death)

    def _measure(self, stage: Waiting) -> Iterator[Measured]:
        """Ask the processes of a stage what they have done."""
        asked = [slot for slot in self.slots if slot.stage is stage]
        for slot in asked:
            slot.outbox.put(Measure())
        until = time.monotonic() + _MEASURE_SECONDS
        for slot in asked:
            try:
                while slot.connection.poll(max(until - time.monotonic(), 0.0)):
                    answer = slot.connection.recv()
                    if isinstance(answer, Measured):
                        yield answer
                        break
            except (EOFError, OSError):  # it died after its last clip
                continue

    def _note(self, rates: StageRates) -> None:
        self.rates = rates
        self._peak_rss = max(self._peak_rss, rates.peak_rss)
