"""N spawned processes on this machine: survives clips that hang or kill their process."""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

import psutil

from clipmill.engine.base import Engine, Item, Resources
from clipmill.engine.child import child_main
from clipmill.engine.clock import WALL_FACTOR, over_limit, stalled
from clipmill.engine.death import Death, cause_of_death
from clipmill.engine.last_words import LastWords
from clipmill.engine.spec import StageSpec
from clipmill.engine.units import Batcher
from clipmill.engine.waiting import Company, Waiting
from clipmill.errors import ClipmillError
from clipmill.failures import REMEDIES
from clipmill.store.annotations import Outcome

GRACE_SECONDS = 10.0
"""A worker that says nothing for its clip's limit and this long on top is killed."""

_TAKES_MEMORY = frozenset({"memory", "killed"})
"""Failures that may come of what other workers took: such clips are tried alone on the machine."""


@dataclass
class _Slot:
    """One worker process and what it is doing.

    Attributes:
        words: What it says on stderr.
        usage: Tells the processor time that it takes.
        remaining: Clips of its unit without an outcome yet.
        begun: Those of them whose work has begun: the suspects if the process dies.
        company: What its unit is worked on beside.
        busy: From the moment a unit is sent until the process says that it is done.
        heard: When the process last said something.
        computed: Processor seconds that it had used then.
    """

    process: SpawnProcess
    connection: Connection
    words: LastWords
    usage: psutil.Process
    remaining: dict[str, Item] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    company: Company = Company.ANY
    busy: bool = False
    heard: float = 0.0
    computed: float = 0.0

    def note(self) -> None:
        """Note that the process has just said something."""
        self.heard, self.computed = time.monotonic(), _processor_seconds(self.usage)

    def overdue(self, limit: float) -> Death | None:
        """Return why the process has to be stopped; None while it may go on."""
        wall = time.monotonic() - self.heard
        if not self.begun or wall <= limit + GRACE_SECONDS:
            return None
        if _processor_seconds(self.usage) - self.computed > limit + GRACE_SECONDS:
            return Death("timeout", over_limit(limit))
        if wall > WALL_FACTOR * limit + GRACE_SECONDS:
            return Death("stalled", stalled(limit))
        return None


class LocalEngine(Engine):
    """Runs stages on spawned processes, which live on from stage to stage.

    Args:
        workers: Number of processes.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._peak_rss = 0
        self._slots: list[_Slot] = []
        self._context = multiprocessing.get_context("spawn")

    @property
    def resources(self) -> Resources:
        """The processes, and the cores shared out among them."""
        return Resources(self._workers, max(1, (os.cpu_count() or 1) // self._workers))

    @property
    def peak_rss(self) -> int:
        """Largest resident set that a process has told of, bytes."""
        return self._peak_rss

    def run(self, spec: StageSpec, items: Iterable[Item]) -> Generator[list[Outcome], None, None]:
        """Yield outcomes in lots worth committing, in the order they finish.

        A clip that kills its process is tried again apart from others, and fails if it does so
        again. One that lacked memory, or whose process was killed from outside, is tried again
        while no other worker is on the machine. On Ctrl-C the finished outcomes are yielded before
        KeyboardInterrupt goes on.

        Raises:
            ClipmillError: A backend cannot be set up, or workers die before any clip begins.
        """
        stage = Waiting(spec, items)
        batcher = Batcher(spec.unit_size)
        try:
            while True:
                self._assign(stage)
                if not any(slot.busy for slot in self._slots):
                    break
                for outcome in self._collect(stage):
                    if batcher.add(outcome):
                        yield batcher.take()
        except KeyboardInterrupt:
            yield batcher.take()
            self._kill_all()
            raise
        except BaseException:
            self._kill_all()
            raise
        yield batcher.take()

    def close(self) -> None:
        """End the processes."""
        self._end(list(self._slots))

    def _end(self, slots: list[_Slot]) -> None:
        """End idle processes."""
        for slot in slots:
            slot.connection.close()
        for slot in slots:
            slot.process.join(timeout=5)
            slot.process.kill()
            slot.process.join()
            self._slots.remove(slot)

    def _kill_all(self) -> None:
        for slot in self._slots:
            slot.process.kill()
            slot.process.join()
            slot.connection.close()
        self._slots.clear()

    def _assign(self, stage: Waiting) -> None:
        """Give work to idle processes, starting new ones up to the limit."""
        while True:
            busy = [slot for slot in self._slots if slot.busy]
            if len(busy) >= self._workers or any(s.company is Company.ALONE for s in busy):
                return
            unit = stage.next_unit(others=bool(busy))
            if unit is None:
                return
            if unit.company is Company.ALONE:
                # The models of the others take memory too; and whatever ended badly in a process
                # may have left it in a bad way.
                self._end([slot for slot in self._slots if slot.company is not Company.ALONE])
            idle = next((slot for slot in self._slots if not slot.busy), None)
            slot = idle or self._start(stage.spec)
            slot.remaining = {item[0]: item for item in unit.items}
            slot.company = unit.company
            slot.busy = True
            slot.begun.clear()
            slot.note()
            # A process that died while idle shows at the next `_collect`.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                slot.connection.send((stage.spec, unit.items))

    def _start(self, spec: StageSpec) -> _Slot:
        ours, theirs = self._context.Pipe()
        ear, mouth = self._context.Pipe(duplex=False)
        process = self._context.Process(target=child_main, args=(theirs, mouth), daemon=True)
        with _thread_limits(spec.cpu_threads):
            process.start()
        theirs.close()
        mouth.close()
        slot = _Slot(process, ours, LastWords(ear), psutil.Process(process.pid))
        self._slots.append(slot)
        return slot

    def _collect(self, stage: Waiting) -> Iterator[Outcome]:
        """Wait a moment for news and yield the outcomes that came."""
        busy = {slot.connection: slot for slot in self._slots if slot.busy}
        for ready in wait(list(busy), timeout=0.5):
            slot = busy[ready]  # type: ignore[index]
            try:
                yield from self._hear(slot, stage)
            except (EOFError, ConnectionResetError):
                yield from self._bury(slot, stage)
        for slot in list(self._slots):
            if death := slot.overdue(stage.spec.time_limit):
                slot.process.kill()
                yield from self._bury(slot, stage, death)

    def _hear(self, slot: _Slot, stage: Waiting) -> Iterator[Outcome]:
        while slot.busy and slot.connection.poll():
            kind, value = slot.connection.recv()
            slot.note()
            if kind == "begin":
                slot.begun.add(value)
                stage.early_deaths = 0
            elif kind == "outcome":
                item = slot.remaining.pop(value.key)
                slot.begun.discard(value.key)
                if value.error_kind == "device":
                    # Whatever the process does from here on fails as well.
                    slot.remaining[value.key] = item
                    slot.begun.add(value.key)
                    slot.process.kill()
                    yield from self._bury(slot, stage, Death("device", value.error))
                    return
                if value.error_kind == "memory" and slot.company is not Company.ALONE:
                    stage.retry([item], Company.ALONE)
                else:
                    yield value
            elif kind == "idle":
                slot.busy = False
                self._peak_rss = max(self._peak_rss, value)
            elif kind == "broken":
                raise ClipmillError(value)

    def _bury(self, slot: _Slot, stage: Waiting, death: Death | None = None) -> Iterator[Outcome]:
        """Sort out the clips of a dead process: the suspects are tried again one by one."""
        slot.process.join()
        slot.connection.close()
        self._slots.remove(slot)
        death = death or cause_of_death(slot.process, slot.words.text())
        if slot.remaining and not slot.begun:
            stage.early_deaths += 1
            if stage.early_deaths > 2:
                raise ClipmillError(
                    f"workers of {stage.spec.annotation}/{stage.spec.backend} die before they "
                    f"begin a clip: {death.text}; {REMEDIES[death.kind]}"
                )
        suspects = [item for key, item in slot.remaining.items() if key in slot.begun]
        again = Company.ALONE if death.kind in _TAKES_MEMORY else Company.APART
        if suspects and slot.company in (again, Company.ALONE):
            yield Outcome(suspects[0][0], None, error_kind=death.kind, error=death.text)
        else:
            stage.retry(suspects, again)
        stage.put_back([item for key, item in slot.remaining.items() if key not in slot.begun])


def _processor_seconds(process: psutil.Process) -> float:
    """Return the processor time of a process with all its threads; 0 once it is dead."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


@contextlib.contextmanager
def _thread_limits(count: int) -> Iterator[None]:
    """Limit the thread pools of numeric libraries in processes started inside the block."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update({name: str(count) for name in names})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
