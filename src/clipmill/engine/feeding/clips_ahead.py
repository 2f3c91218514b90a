"""Loads clips ahead of the model, in threads, whatever unit they came in."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from clipmill.annotations.base import ClipInput
from clipmill.engine.base import Item
from clipmill.engine.feeding.clock import ClipClock
from clipmill.engine.feeding.room import Room
from clipmill.engine.memory import nbytes_of
from clipmill.engine.spec import StageSpec
from clipmill.engine.telling import told
from clipmill.errors import ClipmillError

Load = Callable[[ClipInput], Any]
Notify = Callable[[str], None]


def _ignore(_key: str) -> None:
    """Default notification: nobody listens."""


@dataclass(eq=False)
class Job:
    """A clip on its way to the model.

    Attributes:
        key: Of the clip.
        item: The clip.
        clock: Time that it is worked on.
        loaded: What `load` gave.
        error: What it raised instead.
    """

    key: str
    item: ClipInput
    clock: ClipClock
    loaded: Any = None
    error: Exception | None = None


@dataclass
class Waits:
    """For what the model had to wait, seconds.

    Attributes:
        decoding: For a clip that was being loaded.
        work: For a clip at all.
        loading: Taken by loading, of all threads together.
    """

    decoding: float = 0.0
    work: float = 0.0
    loading: float = 0.0


@dataclass
class _Held:
    queue: deque[Item] = field(default_factory=deque)
    loading: set[Job] = field(default_factory=set)
    ready: deque[Job] = field(default_factory=deque)
    closed: bool = False
    error: ClipmillError | None = None

    @property
    def ahead(self) -> int:
        return len(self.loading) + len(self.ready)


class ClipsAhead:
    """Takes clips from any thread, loads them in its own, and gives batches of those loaded.

    As many are loaded ahead as `ahead` and `ahead_bytes` of the stage allow.
    Loading begins with `begin`; until then clips only wait.

    Args:
        spec: The stage.
        on_begin: Told the key of a clip when its loading begins, by the thread that loads.
        on_loaded: Told the key when it is loaded.
    """

    def __init__(
        self, spec: StageSpec, *, on_begin: Notify = _ignore, on_loaded: Notify = _ignore
    ) -> None:
        self.waits = Waits()
        self._spec = spec
        self._on_begin, self._on_loaded = on_begin, on_loaded
        self._limit = max(spec.ahead, spec.batch_size)
        self._held = _Held()
        self._room = Room(spec.ahead_bytes)
        self._changed = threading.Condition()
        self._pool: ThreadPoolExecutor | None = None
        self._load: Load | None = None

    @property
    def waiting(self) -> int:
        """Clips that are here and not with the model."""
        with self._changed:
            return len(self._held.queue) + self._held.ahead

    def begin(self, load: Load) -> None:
        """Begin to load.

        Args:
            load: Loads one clip; called by several threads.
        """
        with self._changed:
            self._pool = ThreadPoolExecutor(max(self._spec.decode_threads, 1), "decode")
            self._load = load
            self._fill()

    def add(self, items: Iterable[Item]) -> None:
        """Take clips; they are loaded in this order."""
        with self._changed:
            self._held.queue.extend(items)
            self._fill()
            self._changed.notify_all()

    def close(self) -> None:
        """Say that no further clips come."""
        with self._changed:
            self._held.closed = True
            self._changed.notify_all()

    def give_back(self, most: int) -> list[str]:
        """Return the keys of clips that are let go of, for another worker; the last ones first.

        Those that nobody has begun go before those that are loaded; one clip always stays.
        """
        with self._changed:
            held = self._held
            count = min(most, len(held.queue) + held.ahead - 1)
            keys = [held.queue.pop()[0] for _ in range(min(count, len(held.queue)))]
            for _ in range(min(count - len(keys), len(held.ready))):
                job = held.ready.pop()
                self._room.leave(job.key)
                keys.append(job.key)
            self._fill()
            return keys

    def next_batch(self) -> Sequence[Job]:
        """Return the clips that are loaded, at most a batch; wait for one. Empty at the end.

        Raises:
            ClipmillError: Clips cannot be loaded at all.
        """
        with self._changed:
            while not self._held.ready:
                if self._held.error:
                    raise self._held.error
                at_work = bool(self._held.loading or self._held.queue)
                if not at_work and self._held.closed:
                    return []
                began = time.perf_counter()
                self._changed.wait()
                waited = time.perf_counter() - began
                if at_work:
                    self.waits.decoding += waited
                else:
                    self.waits.work += waited
            size = min(self._spec.batch_size, len(self._held.ready))
            batch = [self._held.ready.popleft() for _ in range(size)]
            self._fill()
            return batch

    def done(self, batch: Sequence[Job]) -> None:
        """Say that the model has let go of a batch."""
        with self._changed:
            for job in batch:
                self._room.leave(job.key)
            self._fill()

    def _fill(self) -> None:
        """Begin to load what there is room for."""
        held = self._held
        while self._pool and held.queue and held.ahead < self._limit and not held.error:
            key, item = held.queue[0]
            if not self._room.enter(key, item):
                return
            held.queue.popleft()
            clock = ClipClock(self._spec.time_limit)
            job = Job(key, replace(item, check=clock.check), clock)
            held.loading.add(job)
            try:
                self._pool.submit(self._work, job)
            except RuntimeError as error:
                held.error = ClipmillError(f"{self._spec.title} cannot decode: {told(error)}")
                self._changed.notify_all()

    def _work(self, job: Job) -> None:
        """Load one clip, in a thread; whatever is raised is the clip's own."""
        assert self._load is not None
        began = time.perf_counter()
        size = 0
        try:
            self._on_begin(job.key)
            with job.clock.running():
                job.loaded = self._load(job.item)
            size = nbytes_of(job.loaded)
            self._on_loaded(job.key)
        except Exception as error:  # noqa: BLE001 - any error of a clip is its own outcome
            job.error = error
        with self._changed:
            self.waits.loading += time.perf_counter() - began
            self._room.settle(job.key, size)
            self._held.loading.discard(job)
            self._held.ready.append(job)
            self._fill()
            self._changed.notify_all()

    def end(self) -> None:
        """Load nothing more, and wait for what is being loaded."""
        with self._changed:
            self._held.queue.clear()
            self._held.closed = True
            pool, self._pool = self._pool, None
        if pool:
            pool.shutdown(cancel_futures=True)
        self._load = None  # the backend, and its model with it
