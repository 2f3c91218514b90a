"""Makes samples in order on several processes; a sample that kills its process costs itself."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial

from clipmill.export.content.pieces import Made
from clipmill.export.content.profile import FrameProfile
from clipmill.export.formats.base import Format
from clipmill.export.job.worker import Task, make

_AHEAD = 3
"""Tasks per process that are handed out before the oldest is taken back."""

Work = Callable[[Task], Made]


@dataclass(frozen=True)
class Makers:
    """What every process needs to make samples."""

    format_: Format
    profile: FrameProfile
    workers: int

    def run(self, tasks: Iterable[Task]) -> Iterator[Made]:
        """Yield the outcomes of tasks, in their order."""
        work: Work = partial(make, format_=self.format_, profile=self.profile)
        if self.workers <= 1:
            yield from map(work, tasks)
            return
        team = _Team(work, self.workers)
        try:
            for task in tasks:
                team.hand_out(task)
                while len(team.waiting) > self.workers * _AHEAD:
                    yield from team.collect()
            while team.waiting:
                yield from team.collect()
        finally:
            team.pool.shutdown(wait=True, cancel_futures=True)


class _Team:
    """Processes, and the tasks they were handed."""

    def __init__(self, work: Work, workers: int) -> None:
        self.waiting: deque[tuple[Task, Future[Made] | None]] = deque()
        self._work, self._workers = work, workers
        self.pool = _pool(workers)

    def hand_out(self, task: Task) -> None:
        """Give a task to a process; to none if one of them has died in the meantime."""
        try:
            self.waiting.append((task, self.pool.submit(self._work, task)))
        except BrokenProcessPool:
            self.waiting.append((task, None))

    def collect(self) -> list[Made]:
        """Return the oldest outcome; those of all waiting tasks when a process has died."""
        _, future = self.waiting[0]
        try:
            if future is not None:
                made = future.result()
                self.waiting.popleft()
                return [made]
        except BrokenProcessPool:
            pass
        # Which of them killed the process cannot be told: each gets a process of its own.
        begun = [task for task, _ in self.waiting]
        self.waiting.clear()
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.pool = _pool(self._workers)
        return [self._alone(task) for task in begun]

    def _alone(self, task: Task) -> Made:
        with _pool(1) as pool:
            try:
                return pool.submit(self._work, task).result()
            except BrokenProcessPool:
                return Made(
                    task.row.sample_id,
                    task.token,
                    task.scratch,
                    left_out="its process died (out of memory, or a fault in a codec)",
                    kind="crash",
                )


def _pool(workers: int) -> ProcessPoolExecutor:
    # Spawned: a fork would copy the locks of PyAV's and OpenCV's threads.
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
