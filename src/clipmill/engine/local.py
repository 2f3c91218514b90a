"""N spawned processes on this machine: survives clips that hang or kill their process."""

import contextlib
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from clipmill.annotations.base import ClipInput
from clipmill.engine.child import child_main
from clipmill.engine.spec import StageSpec
from clipmill.engine.units import Batcher, in_units
from clipmill.errors import ClipmillError
from clipmill.store.annotations import Outcome

GRACE_SECONDS = 10.0
"""A worker that says nothing for its clip's limit and this long on top is killed."""

Item = tuple[str, ClipInput]


@dataclass
class _Slot:
    """One worker process and what it is doing.

    Attributes:
        remaining: Clips of its unit without an outcome yet.
        begun: Those of them whose work has begun: the suspects if the process dies.
        alone: Whether the unit is one clip that is retried by itself.
        busy: From the moment a unit is sent until the process says that it is done.
        heard: When the process last said something.
    """

    process: SpawnProcess
    connection: Connection
    remaining: dict[str, Item] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    alone: bool = False
    busy: bool = False
    heard: float = 0.0


class LocalEngine:
    """Runs stages on spawned processes, which live on from stage to stage.

    Args:
        workers: Number of processes.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.peak_rss = 0
        self._slots: list[_Slot] = []
        self._context = multiprocessing.get_context("spawn")

    def run(self, spec: StageSpec, items: Iterable[Item]) -> Iterator[list[Outcome]]:
        """Yield outcomes in lots worth committing, in the order they finish.

        A clip that kills its process is retried alone, and fails alone if it does so again. On
        Ctrl-C the finished outcomes are yielded before KeyboardInterrupt goes on.

        Raises:
            ClipmillError: A backend cannot be set up, or workers die before any clip begins.
        """
        stage = _Stage(spec, items)
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
        for slot in self._slots:
            slot.connection.close()
        for slot in self._slots:
            slot.process.join(timeout=5)
        self._kill_all()

    def _kill_all(self) -> None:
        for slot in self._slots:
            slot.process.kill()
            slot.process.join()
            slot.connection.close()
        self._slots.clear()

    def _assign(self, stage: "_Stage") -> None:
        """Give work to idle processes, starting new ones up to the limit."""
        while True:
            idle = next((slot for slot in self._slots if not slot.busy), None)
            if idle is None and len(self._slots) >= self.workers:
                return
            unit = stage.next_unit()
            if unit is None:
                return
            slot = idle or self._start(stage.spec)
            slot.remaining = {item[0]: item for item in unit.items}
            slot.alone = unit.alone
            slot.busy = True
            slot.begun.clear()
            slot.heard = time.monotonic()
            # A process that died while idle shows at the next `_collect`.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                slot.connection.send((stage.spec, unit.items))

    def _start(self, spec: StageSpec) -> _Slot:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=child_main, args=(theirs,), daemon=True)
        with _thread_limits(spec.cpu_threads):
            process.start()
        theirs.close()
        slot = _Slot(process, ours)
        self._slots.append(slot)
        return slot

    def _collect(self, stage: "_Stage") -> Iterator[Outcome]:
        """Wait a moment for news and yield the outcomes that came."""
        busy = {slot.connection: slot for slot in self._slots if slot.busy}
        for ready in wait(list(busy), timeout=0.5):
            slot = busy[ready]  # type: ignore[index]
            try:
                yield from self._hear(slot, stage)
            except (EOFError, ConnectionResetError):
                yield from self._bury(slot, stage, "crash", _exit_text(slot.process))
        for slot in list(self._slots):
            silence = time.monotonic() - slot.heard
            if slot.begun and silence > stage.spec.time_limit + GRACE_SECONDS:
                slot.process.kill()
                text = f"took longer than its limit of {stage.spec.time_limit:g} s and was stopped"
                yield from self._bury(slot, stage, "timeout", text)

    def _hear(self, slot: _Slot, stage: "_Stage") -> Iterator[Outcome]:
        while slot.busy and slot.connection.poll():
            kind, value = slot.connection.recv()
            slot.heard = time.monotonic()
            if kind == "begin":
                slot.begun.add(value)
                stage.early_deaths = 0
            elif kind == "outcome":
                slot.remaining.pop(value.key, None)
                slot.begun.discard(value.key)
                yield value
            elif kind == "idle":
                slot.busy = False
                self.peak_rss = max(self.peak_rss, value)
            elif kind == "broken":
                raise ClipmillError(f"{stage.spec.annotation}/{stage.spec.backend}: {value}")

    def _bury(self, slot: _Slot, stage: "_Stage", kind: str, text: str) -> Iterator[Outcome]:
        """Sort out the clips of a dead process: the suspects are retried one by one."""
        slot.process.join()
        slot.connection.close()
        self._slots.remove(slot)
        if slot.remaining and not slot.begun:
            stage.early_deaths += 1
            if stage.early_deaths > 2:
                raise ClipmillError(
                    f"workers of {stage.spec.annotation}/{stage.spec.backend} die before they "
                    f"begin a clip: {text}"
                )
        suspects = [item for key, item in slot.remaining.items() if key in slot.begun]
        if slot.alone and suspects:
            yield Outcome(key=suspects[0][0], record=None, error_kind=kind, error=text)
        else:
            stage.retry(suspects)
        stage.put_back([item for key, item in slot.remaining.items() if key not in slot.begun])


@dataclass(frozen=True)
class _Unit:
    items: list[Item]
    alone: bool = False


class _Stage:
    """The work of one stage that is not placed yet."""

    def __init__(self, spec: StageSpec, items: Iterable[Item]) -> None:
        self.spec = spec
        self.early_deaths = 0
        self._fresh = in_units(items, spec.unit_size)
        self._again: deque[_Unit] = deque()

    def next_unit(self) -> _Unit | None:
        if self._again:
            return self._again.popleft()
        unit = next(self._fresh, None)
        return _Unit(unit) if unit else None

    def retry(self, suspects: list[Item]) -> None:
        self._again.extend(_Unit([item], alone=True) for item in suspects)

    def put_back(self, items: list[Item]) -> None:
        if items:
            self._again.append(_Unit(items))


def _exit_text(process: SpawnProcess) -> str:
    process.join()
    code = process.exitcode or 0
    if code < 0:
        import signal

        name = signal.Signals(-code).name
        hint = "; was the machine out of memory?" if name == "SIGKILL" else ""
        return f"the worker process was killed by {name}{hint}"
    return f"the worker process ended with exit code {code}"


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
