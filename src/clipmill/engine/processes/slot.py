"""Workers, seen from the parent."""

import contextlib
import multiprocessing
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from threading import Thread
from typing import Protocol

import psutil

from clipmill.engine.base import Item
from clipmill.engine.feeding.clock import WALL_FACTOR, over_limit, stalled
from clipmill.engine.processes.child import Add, GiveBack, Order, child_main
from clipmill.engine.processes.death import Death, cause_of_death
from clipmill.engine.processes.last_words import LastWords
from clipmill.engine.resources.placing import Place
from clipmill.engine.waiting import Company, Waiting

GRACE_SECONDS = 10.0
"""A worker that says nothing for its clip's limit and this long on top is killed."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_spawn = multiprocessing.get_context("spawn")


class Outbox:
    """Sends orders in a thread: a worker that is stuck does not hold up the parent.

    Args:
        connection: To the worker.

    Attributes:
        error: Why an order could not be sent to a worker that is alive.
    """

    def __init__(self, connection: Connection) -> None:
        self.error: Exception | None = None
        self._connection = connection
        self._orders: SimpleQueue[Order | None] = SimpleQueue()
        self._thread = Thread(target=self._send, daemon=True, name="worker-orders")
        self._thread.start()

    def put(self, order: Order) -> None:
        """Send an order; if the worker is dead, that shows when it is listened to."""
        self._orders.put(order)

    def close(self) -> None:
        """End the thread, of a worker that is idle or dead."""
        self._orders.put(None)
        self._thread.join()

    def _send(self) -> None:
        try:
            with contextlib.suppress(OSError):
                while (order := self._orders.get()) is not None:
                    self._connection.send(order)
        except Exception as error:  # noqa: BLE001 - raised by the engine
            self.error = error


class TakesOrders(Protocol):
    """Where orders to a worker go."""

    def put(self, order: Order) -> None:
        """Send an order; if the worker is dead, that shows when it is listened to."""


@dataclass(eq=False, kw_only=True)
class WorkerBooks(ABC):
    """What the parent knows of a worker, wherever it runs.

    Attributes:
        stage: The stage that it was told to work on.
        ready: Whether its model is loaded.
        remaining: Clips that it has, without an outcome yet.
        begun: Those of them whose work has begun: the suspects if the process dies.
        loading: When the loading of those began that are not loaded yet.
        company: What it works beside.
        asked: Whether it was asked to give clips back and has not answered, or had none.
        heard: When the process last said something.
        computed: Processor seconds that it had used then.
    """

    stage: Waiting | None = None
    ready: bool = False
    remaining: dict[str, Item] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    loading: dict[str, float] = field(default_factory=dict)
    company: Company = Company.ANY
    asked: bool = False
    heard: float = 0.0
    computed: float = 0.0
    place: Place
    outbox: TakesOrders

    @abstractmethod
    def processor_seconds(self) -> float:
        """Return the processor time that its process has used; 0 once it is dead."""

    @abstractmethod
    def cause_of_death(self) -> Death:
        """Return why it died, once it has."""

    @abstractmethod
    def kill(self) -> None:
        """End the process at once."""

    @property
    def busy(self) -> bool:
        """Whether it has clips."""
        return bool(self.remaining)

    def give(self, items: Sequence[Item]) -> None:
        """Give it clips, beside those that it has."""
        if not self.busy:
            self.note()
        self.asked = False
        self.remaining.update((item[0], item) for item in items)
        self.outbox.put(Add(list(items)))

    def ask_back(self, count: int) -> None:
        """Ask it for clips that it has not begun, at most so many."""
        self.asked = True
        self.outbox.put(GiveBack(count))

    def note(self) -> None:
        """Note that the process has just said something."""
        self.heard, self.computed = time.monotonic(), self.processor_seconds()

    def overdue(self, limit: float) -> Death | None:
        """Return why the process has to be stopped; None while it may go on."""
        now = time.monotonic()
        wall = now - self.heard
        if self.begun and wall > limit + GRACE_SECONDS:
            if self.processor_seconds() - self.computed > limit + GRACE_SECONDS:
                return Death("timeout", over_limit(limit))
            if wall > WALL_FACTOR * limit + GRACE_SECONDS:
                return Death("stalled", stalled(limit))
        # Others of its clips may go on while one of several decoding threads hangs.
        first = min(self.loading.values(), default=now)
        if now - first > WALL_FACTOR * limit + GRACE_SECONDS:
            return Death("stalled", stalled(limit))
        return None


@dataclass(eq=False)
class Slot(WorkerBooks):
    """One worker process on this machine.

    Attributes:
        place: Where it runs.
        threads: Threads that its libraries may use.
        words: What it says on stderr.
        usage: Tells the processor time that it takes.
    """

    process: SpawnProcess
    connection: Connection
    outbox: Outbox
    place: Place
    threads: int
    words: LastWords
    usage: psutil.Process

    @classmethod
    def start(cls, place: Place, threads: int) -> "Slot":
        """Start a process. What it may see and use is in its environment before it begins."""
        ours, theirs = _spawn.Pipe()
        ear, mouth = _spawn.Pipe(duplex=False)
        process = _spawn.Process(target=child_main, args=(theirs, mouth), daemon=True)
        with _environment({name: str(threads) for name in _THREADS} | place.environment):
            process.start()
        theirs.close()
        mouth.close()
        return cls(
            process=process,
            connection=ours,
            outbox=Outbox(ours),
            place=place,
            threads=threads,
            words=LastWords(ear),
            usage=psutil.Process(process.pid),
        )

    def processor_seconds(self) -> float:
        """Return the processor time of the process with all its threads; 0 once it is dead."""
        return processor_seconds(self.usage)

    def cause_of_death(self) -> Death:
        """Wait for the end of the process and return its cause."""
        self.process.join()
        return cause_of_death(self.process, self.words.text())

    def end(self) -> None:
        """End the process, if it can be politely."""
        if not self.busy:
            self.outbox.close()
            self.connection.close()
            self.process.join(timeout=5)
        self.kill()

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.join()
        self.outbox.close()
        self.connection.close()


def processor_seconds(process: psutil.Process) -> float:
    """Return the processor time of a process with all its threads; 0 once it is dead."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the processes that are started inside the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
