"""One annotation with its model loaded, working through clips: decode ahead, batch, survive."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

from clipmill.annotations.base import Backend
from clipmill.engine.base import Item
from clipmill.engine.feeding.clips_ahead import ClipsAhead, Job
from clipmill.engine.memory import forget_gpu_peak, peak_gpu_bytes, peak_rss_bytes
from clipmill.engine.rates import Measured
from clipmill.engine.spec import StageSpec
from clipmill.engine.telling import failure, told
from clipmill.errors import ClipmillError, NoRoomError
from clipmill.failures import machine_kind
from clipmill.store.annotations import Outcome


class Worker:
    """Runs one backend over clips, one outcome each.

    Args:
        spec: Which backend, with which settings.
        ahead: What clips come through; one of its own, which tells nobody, if None.
    """

    def __init__(self, spec: StageSpec, *, ahead: ClipsAhead | None = None) -> None:
        self.spec = spec
        self.ahead = ahead or ClipsAhead(spec)
        self.backend: Backend = spec.make_backend()
        self._busy = 0.0
        self._clips = 0
        began = time.perf_counter()
        forget_gpu_peak()
        self.backend.setup()
        self._setup = time.perf_counter() - began

    @classmethod
    def start(cls, spec: StageSpec, *, ahead: ClipsAhead | None = None) -> "Worker":
        """Return a worker with its model loaded.

        Raises:
            NoRoomError: The machine, or its GPU, has no memory for it.
            ClipmillError: It cannot be, for another reason.
        """
        try:
            return cls(spec, ahead=ahead)
        except Exception as error:
            if machine_kind(error) == "memory" or isinstance(error, NoRoomError):
                text = error if isinstance(error, ClipmillError) else told(error)
                raise NoRoomError(f"{spec.title}: {text}") from error
            if isinstance(error, ClipmillError):
                raise ClipmillError(f"{spec.title}: {error}") from error
            raise ClipmillError(f"{spec.title} cannot be set up: {told(error)}") from error

    def measured(self) -> Measured:
        """Return what it has done so far, and what it waited for; callable from any thread."""
        return Measured(
            clips=self._clips,
            busy=self._busy,
            waiting=self.ahead.waits.decoding,
            idle=self.ahead.waits.work,
            loading=self.ahead.waits.loading,
            setup=self._setup,
            peak_rss=peak_rss_bytes(),
            peak_gpu=peak_gpu_bytes(),
        )

    def run(self, items: Iterable[Item]) -> Iterator[Outcome]:
        """Yield one outcome per clip, in the order in which they finish.

        Args:
            items: Read by the calling thread, two windows of decoding ahead at most.
        """
        source = iter(items)
        window = 2 * max(self.spec.ahead, self.spec.batch_size)

        def top_up() -> None:
            more = list(islice(source, max(window - self.ahead.waiting, 0)))
            if more:
                self.ahead.add(more)
            elif not self.ahead.waiting:
                self.ahead.close()

        top_up()
        yield from self.work(before_each=top_up)

    def work(self, *, before_each: Callable[[], None] | None = None) -> Iterator[Outcome]:
        """Yield the outcomes of what is added to `ahead`, until that is closed and empty.

        A clip that raises is a failed outcome; its neighbours go on.

        Args:
            before_each: Called before each look for loaded clips.
        """
        try:
            self.ahead.begin(self.backend.load)
            while True:
                if before_each:
                    before_each()
                batch = self.ahead.next_batch()
                if not batch:
                    return
                yield from self._run_batch(batch)
        finally:
            self.ahead.end()

    def _run_batch(self, jobs: Sequence[Job]) -> Sequence[Outcome]:
        """Outcomes of a batch; clips whose loading failed leave the batch first."""
        results: dict[str, Outcome] = {}
        for job in jobs:
            if job.error is not None:
                results[job.key] = failure(job.key, job.error, seconds=job.clock.elapsed)
        began = time.perf_counter()
        results.update(self._annotate([job for job in jobs if job.error is None]))
        self._busy += time.perf_counter() - began
        self._clips += len(jobs)
        for job in jobs:
            job.loaded = None
        self.ahead.done(jobs)
        return [results[job.key] for job in jobs]

    def _annotate(self, jobs: Sequence[Job]) -> dict[str, Outcome]:
        """Run the model; on an error, in halves, so that only the culprit fails.

        Halving also is the answer to a batch that does not fit into memory.
        """
        if not jobs:
            return {}
        rows: Sequence[Any] | None = None
        try:
            with _all_running(jobs):
                rows = self.backend.annotate([job.loaded for job in jobs])
            if len(rows) != len(jobs):
                raise RuntimeError(f"{len(rows)} rows came back for {len(jobs)} clips")
        except Exception as error:  # noqa: BLE001 - any error of a clip is its own outcome
            if len(jobs) == 1:
                return {jobs[0].key: failure(jobs[0].key, error, seconds=jobs[0].clock.elapsed)}
            rows = None
        if rows is None:
            # Only now, outside of the handler, has the failed attempt let go of its memory.
            middle = len(jobs) // 2
            return self._annotate(jobs[:middle]) | self._annotate(jobs[middle:])
        return {
            job.key: Outcome(key=job.key, record=row, seconds=job.clock.elapsed)
            for job, row in zip(jobs, rows, strict=True)
        }


def _all_running(jobs: Sequence[Job]) -> ExitStack:
    stack = ExitStack()
    for job in jobs:
        stack.enter_context(job.clock.running())
    return stack
