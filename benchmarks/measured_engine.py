"""An engine that tells what every clip costs in every stage: CPU seconds and peak memory.

Each stage runs on processes of its own, which begin when it does and end with it, one clip at a
time, so nothing of one stage counts in another. Starting Python counts nowhere; loading a model
counts for its stage, apart from the clips.
"""

import contextlib
import multiprocessing
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from clipmill.engine.base import Engine, Item, Resources
from clipmill.engine.memory import peak_rss_bytes
from clipmill.engine.spec import StageSpec
from clipmill.engine.worker import Worker
from clipmill.store.annotations import Outcome

_CLEAR = Path("/proc/self/clear_refs")
_MIB = 2**20


@dataclass(frozen=True)
class ClipCost:
    """What a clip cost in one stage.

    Attributes:
        stage: Name of the annotation.
        video: Path of its video, relative to the source.
        cpu_seconds: Of all threads, decoding included.
        setup_seconds: CPU seconds for loading the model, of the process that did this clip.
        process: Number of that process.
        peak_rss: Largest resident set while it was worked on, bytes; on other systems than Linux
            since the process began.
    """

    stage: str
    video: str
    cpu_seconds: float
    setup_seconds: float
    process: int
    peak_rss: int


class MeasuredEngine(Engine):
    """Runs stages on spawned processes and keeps what clips cost.

    Args:
        workers: Number of processes.

    Attributes:
        costs: In the order of stages, then of clips; of rows computed in this run only.
    """

    def __init__(self, workers: int = 1) -> None:
        self.workers = workers
        self.costs: list[ClipCost] = []

    @property
    def resources(self) -> Resources:
        """One thread a process, so that CPU seconds are of the work alone."""
        return Resources(processes=self.workers, cpu_threads=1)

    def run(self, spec: StageSpec, items: Iterable[Item]) -> Generator[list[Outcome], None, None]:
        """Yield the outcome of each clip."""
        source = iter(items)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.workers, spawn, _begin, (spec,)) as pool:
            waiting: deque[Future[tuple[Outcome, ClipCost]]] = deque()
            for item in islice(source, 2 * self.workers):
                waiting.append(pool.submit(_work, item))
            while waiting:
                outcome, cost = waiting.popleft().result()
                self.costs.append(cost)
                for item in islice(source, 1):
                    waiting.append(pool.submit(_work, item))
                yield [outcome]

    def close(self) -> None:
        """Do nothing: each stage ends its own processes."""

    @property
    def peak_rss(self) -> int:
        """Peak resident memory of any worker, bytes."""
        return max((cost.peak_rss for cost in self.costs), default=0)


_workers: list[tuple[Worker, float]] = []
"""In a spawned process: the stage it runs, and the CPU seconds that loading it took."""


def _begin(spec: StageSpec) -> None:
    import cv2

    cv2.setNumThreads(1)
    began = time.process_time()
    _workers.append((Worker(spec), time.process_time() - began))


def _work(item: Item) -> tuple[Outcome, ClipCost]:
    worker, setup = _workers[0]
    with contextlib.suppress(OSError):
        _CLEAR.write_text("5")  # the kernel forgets the peak so far
    began = time.process_time()
    (outcome,) = worker.run([item])
    cost = ClipCost(
        stage=worker.spec.annotation,
        video=item[1].video.relative_path,
        cpu_seconds=time.process_time() - began,
        setup_seconds=setup,
        process=multiprocessing.current_process().pid or 0,
        peak_rss=peak_rss_bytes(),
    )
    return outcome, cost


def stage_lines(costs: Sequence[ClipCost]) -> list[str]:
    """Return a table of the stages: CPU seconds and peak memory."""
    videos = max(1, len({cost.video for cost in costs}))
    lines = [f"{'stage':<10}{'clips':>6}{'CPU s':>9}{'a video':>9}{'to load':>9}{'peak MiB':>10}"]
    for stage in (*dict.fromkeys(cost.stage for cost in costs), "all"):
        mine = [cost for cost in costs if stage in (cost.stage, "all")]
        spent = sum(cost.cpu_seconds for cost in mine)
        setups = {(cost.stage, cost.process): cost.setup_seconds for cost in mine}
        peak = max((cost.peak_rss for cost in mine), default=0) / _MIB
        lines.append(
            f"{stage:<10}{len(mine):>6}{spent:>9.1f}{spent / videos:>9.1f}"
            f"{sum(setups.values()):>9.1f}{peak:>10.0f}"
        )
    return lines


def of_video(costs: Sequence[ClipCost], stem: str) -> str:
    """Return what a video cost in all stages; empty when nothing of it was computed."""
    mine = [cost for cost in costs if Path(cost.video).stem == stem]
    if not mine:
        return ""
    spent = sum(cost.cpu_seconds for cost in mine)
    return f"{spent:.1f} CPU s, {max(cost.peak_rss for cost in mine) / _MIB:.0f} MiB"
