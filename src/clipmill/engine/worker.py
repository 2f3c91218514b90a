"""One annotation with its model loaded, working through clips: decode ahead, batch, survive."""

import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clipmill.annotations.base import Backend, ClipInput
from clipmill.engine.clock import ClipClock
from clipmill.engine.spec import StageSpec
from clipmill.errors import ClipError, ClipmillError
from clipmill.failures import REMEDIES, machine_kind
from clipmill.store.annotations import Outcome

Notify = Callable[[str], None]


def _ignore(_key: str) -> None:
    """Default notification: nobody listens."""


@dataclass
class _Job:
    key: str
    item: ClipInput
    clock: ClipClock
    loaded: "Future[Any] | None" = None


class Worker:
    """Runs one backend over clips, one outcome each.

    Args:
        spec: Which backend, with which settings.
        on_begin: Told the key of a clip when its decoding begins, so that an observer of the
            process knows which clips were in flight when it died.
    """

    def __init__(self, spec: StageSpec, *, on_begin: Notify = _ignore) -> None:
        self.spec = spec
        self.on_begin = on_begin
        self.backend: Backend = spec.make_backend()
        self.backend.setup()

    @classmethod
    def start(cls, spec: StageSpec, *, on_begin: Notify = _ignore) -> "Worker":
        """Return a worker with its model loaded.

        Raises:
            ClipmillError: It cannot be, whatever the reason.
        """
        try:
            return cls(spec, on_begin=on_begin)
        except ClipmillError as error:
            raise ClipmillError(f"{spec.annotation}/{spec.backend}: {error}") from error
        except Exception as error:
            raise ClipmillError(
                f"{spec.annotation}/{spec.backend} cannot be set up: {told(error)}"
            ) from error

    def run(self, items: Iterable[tuple[str, ClipInput]]) -> Iterator[Outcome]:
        """Yield one outcome per clip, in the order given.

        Decoding runs in threads, `spec.ahead` clips ahead of the model. A clip that raises is a
        failed outcome; its neighbours go on.
        """
        source = iter(items)
        waiting: deque[_Job] = deque()
        with ThreadPoolExecutor(self.spec.decode_threads, "decode") as pool:
            try:
                while True:
                    self._fill(waiting, source, pool)
                    if not waiting:
                        return
                    size = min(self.spec.batch_size, len(waiting))
                    yield from self._run_batch([waiting.popleft() for _ in range(size)])
            finally:
                for job in waiting:
                    if job.loaded:
                        job.loaded.cancel()

    def _fill(
        self,
        waiting: "deque[_Job]",
        source: Iterator[tuple[str, ClipInput]],
        pool: ThreadPoolExecutor,
    ) -> None:
        while len(waiting) < self.spec.batch_size + self.spec.ahead:
            entry = next(source, None)
            if entry is None:
                return
            key, item = entry
            clock = ClipClock(self.spec.time_limit)
            job = _Job(key, replace(item, check=clock.check), clock)
            try:
                job.loaded = pool.submit(self._load, job)
            except RuntimeError as error:
                raise ClipmillError(
                    f"{self.spec.annotation}/{self.spec.backend} cannot decode: {told(error)}"
                ) from error
            waiting.append(job)

    def _load(self, job: _Job) -> Any:
        self.on_begin(job.key)
        with job.clock.running():
            return self.backend.load(job.item)

    def _run_batch(self, jobs: Sequence[_Job]) -> Iterator[Outcome]:
        """Outcomes of a batch; clips whose loading failed leave the batch first."""
        results: dict[str, Outcome] = {}
        ready: list[tuple[_Job, Any]] = []
        for job in jobs:
            assert job.loaded is not None
            try:
                ready.append((job, job.loaded.result()))
            except Exception as error:  # noqa: BLE001 - any error of a clip is its own outcome
                results[job.key] = _failure(job, error)
            job.loaded = None
        results.update(self._annotate(ready))
        yield from (results[job.key] for job in jobs)

    def _annotate(self, ready: Sequence[tuple[_Job, Any]]) -> dict[str, Outcome]:
        """Run the model; on an error, in halves, so that only the culprit fails.

        Halving also is the answer to a batch that does not fit into memory.
        """
        if not ready:
            return {}
        jobs = [job for job, _ in ready]
        rows: Sequence[Any] | None = None
        try:
            with _all_running(jobs):
                rows = self.backend.annotate([loaded for _, loaded in ready])
            if len(rows) != len(ready):
                raise RuntimeError(f"{len(rows)} rows came back for {len(ready)} clips")
        except Exception as error:  # noqa: BLE001 - any error of a clip is its own outcome
            if len(ready) == 1:
                return {jobs[0].key: _failure(jobs[0], error)}
            rows = None
        if rows is None:
            # Only now, outside of the handler, has the failed attempt let go of its memory.
            middle = len(ready) // 2
            return self._annotate(ready[:middle]) | self._annotate(ready[middle:])
        share = [job.clock.elapsed for job in jobs]
        return {
            job.key: Outcome(key=job.key, record=row, seconds=seconds)
            for job, row, seconds in zip(jobs, rows, share, strict=True)
        }


def _all_running(jobs: Sequence[_Job]) -> ExitStack:
    stack = ExitStack()
    for job in jobs:
        stack.enter_context(job.clock.running())
    return stack


def _failure(job: _Job, error: Exception) -> Outcome:
    known = isinstance(error, ClipError)
    return Outcome(
        key=job.key,
        record=None,
        error_kind=_kind(error),
        error=str(error) if known else f"{type(error).__name__}: {error}{_place(error)}",
        seconds=job.clock.elapsed,
    )


def _kind(error: Exception) -> str:
    """Return the kind of a failure; what the machine could not do goes before what it led to."""
    if isinstance(error, ClipError) and error.kind != ClipError.kind:
        return error.kind
    cause = error.__cause__ if isinstance(error, ClipError) else error
    return (machine_kind(cause) if cause else "") or ClipError.kind


def told(error: Exception) -> str:
    """Return an error of a library in words, with what to do where the machine is to blame."""
    remedy = REMEDIES.get(machine_kind(error), "")
    text = f"{type(error).__name__}: {error}{_place(error)}"
    return f"{text}; {remedy}" if remedy else text


def _place(error: Exception) -> str:
    """Where an unforeseen error was raised, for whoever has to mend it."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
