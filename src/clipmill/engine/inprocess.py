"""The simplest engine: everything in this process. For debugging, notebooks and tests."""

import os
import time
from collections.abc import Generator, Iterable

from clipmill.engine.base import Engine, Item, Resources
from clipmill.engine.memory import peak_rss_bytes
from clipmill.engine.rates import StageRates
from clipmill.engine.resources.machine import Machine
from clipmill.engine.resources.placing import Place, settle
from clipmill.engine.spec import StageSpec
from clipmill.engine.units import Batcher
from clipmill.engine.worker import Worker
from clipmill.store.annotations import Outcome


class InProcessEngine(Engine):
    """Runs stages in the calling process.

    A clip that hangs inside a library or kills the process takes the run with it (what is
    committed stays); use `LocalEngine` where videos are not trusted.
    """

    @property
    def resources(self) -> Resources:
        """No process of its own, and all cores."""
        return Resources(processes=0, cpu_threads=os.cpu_count() or 1)

    def run(self, spec: StageSpec, items: Iterable[Item]) -> Generator[list[Outcome], None, None]:
        """Yield outcomes in lots worth committing; on Ctrl-C the finished ones come first."""
        batcher = Batcher(spec.unit_size)
        began = time.monotonic()
        # The settings' own GPU stays: nothing is hidden from the calling process.
        settled = settle(spec, Machine.here(), [Place()], hidden=False)
        worker = Worker.start(settled)
        try:
            for outcome in worker.run(items):
                if batcher.add(outcome):
                    yield batcher.take()
        except KeyboardInterrupt:
            yield batcher.take()
            raise
        measured = worker.measured()
        self.rates = StageRates.of(
            [measured], clips=measured.clips, seconds=time.monotonic() - began
        )
        yield batcher.take()

    @property
    def peak_rss(self) -> int:
        """Peak resident memory of this process in bytes."""
        return peak_rss_bytes()

    def close(self) -> None:
        """Nothing to release."""
