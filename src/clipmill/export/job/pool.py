"""Makes samples in order on several processes; a sample that kills its process costs itself."""

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial

from clipmill.export.content.profile import FrameProfile
from clipmill.export.formats.base import Format
from clipmill.export.job.worker import Made, Task, make

_AHEAD = 3
"""Tasks per process that are handed out before the oldest is taken back."""


@dataclass(frozen=True)
class Makers:
    """What every process needs to make samples."""

    format_: Format
    profile: FrameProfile
    workers: int

    def run(self, tasks: Iterable[Task]) -> Iterator[Made]:
        """Yield the outcomes of tasks, in their order."""
        work = partial(make, format_=self.format_, profile=self.profile)
        if self.workers <= 1:
            yield from map(work, tasks)
            return
        pool = self._pool(self.workers)
        waiting: deque[tuple[Task, Future[Made]]] = deque()
        try:
            for task in tasks:
                if len(waiting) >= self.workers * _AHEAD:
                    made, pool = self._take(waiting, pool)
                    yield from made
                waiting.append((task, pool.submit(work, task)))
            while waiting:
                made, pool = self._take(waiting, pool)
                yield from made
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _take(
        self, waiting: "deque[tuple[Task, Future[Made]]]", pool: ProcessPoolExecutor
    ) -> tuple[list[Made], ProcessPoolExecutor]:
        """Return the oldest outcome; all of those waiting when a process has died."""
        future = waiting[0][1]
        try:
            made = future.result()
        except BrokenProcessPool:
            tasks = [task for task, _ in waiting]
            waiting.clear()
            pool.shutdown(wait=True, cancel_futures=True)
            return [self._alone(task) for task in tasks], self._pool(self.workers)
        waiting.popleft()
        return [made], pool

    def _alone(self, task: Task) -> Made:
        work = partial(make, format_=self.format_, profile=self.profile)
        with self._pool(1) as pool:
            try:
                return pool.submit(work, task).result()
            except BrokenProcessPool:
                return Made(
                    task.row.sample_id,
                    task.token,
                    task.scratch,
                    left_out="its process died (out of memory, or a fault in a codec)",
                    kind="crash",
                )

    @staticmethod
    def _pool(workers: int) -> ProcessPoolExecutor:
        # Spawned: a fork would copy the locks of PyAV's and OpenCV's threads.
        return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
