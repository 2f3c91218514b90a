"""What a second process brings: a stage bound by the processor, on 1 and on 2 processes.

python benchmarks/engine/scaling.py [--clips 60] [--seconds 0.2] [--rounds 3]

The model computes in one thread until it has used its processor seconds. Each round runs 1 and 2
processes after one another; time counts once all processes work, commits included. Other work on
the machine makes both slower: what they got of the cores that they wanted (processor seconds over
seconds in the model) is taken out of the second figure.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from feeding import clips

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.engine.local import LocalEngine
from clipmill.engine.spec import StageSpec
from clipmill.store.workspace import Workspace

_BAR = 1.85


@dataclass(frozen=True)
class BurntRow:
    """When the model had the clip, seconds of the machine's clock, what it used, and where."""

    process: int
    began: float
    ended: float
    used: float


class BurnerConfig(BackendConfig):
    """Processor seconds of a clip."""

    seconds: float


class Burner(Backend):
    """Computes, for as many processor seconds as it is told."""

    annotation = "burn"
    name = "burn"
    Config = BurnerConfig
    Row = BurntRow
    config: BurnerConfig

    def load(self, item: ClipInput) -> Any:
        return item.clip.start

    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        return [self._burn() for _ in batch]

    def _burn(self) -> BurntRow:
        began, before = time.monotonic(), time.thread_time()
        while (used := time.thread_time() - before) < self.config.seconds:
            sum(range(1000))
        return BurntRow(os.getpid(), began, time.monotonic(), used)


@dataclass(frozen=True)
class Burnt:
    """A run.

    Attributes:
        rate: Clips per second, from the first call of the model to the end of the last.
        got: Share of the cores that were wanted.
    """

    rate: float
    got: float


def measure(workers: int, count: int, seconds: float) -> Burnt:
    """Run clips on a number of processes."""
    spec = StageSpec(
        annotation="burn",
        backend="scaling:Burner",
        config={"seconds": seconds},
        time_limit=60.0,
        unit_size=Burner.unit_size,
        batch_size=1,
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder, LocalEngine(workers) as engine:
        table = Workspace.open(folder, create=True).annotation("burn", "0", BurntRow)
        for lot in engine.run(spec, clips(count)):
            table.append(lot)
            rows += [outcome.record for outcome in lot]
        if engine.rates.workers != workers:
            raise RuntimeError(f"{engine.rates.workers} processes did the work of {workers}")
    # Processes begin at different moments: the count begins when all of them work.
    began = max(min(r.began for r in rows if r.process == one) for one in {r.process for r in rows})
    ended = max(row.ended for row in rows)
    inside = [row for row in rows if row.began >= began]
    used = sum(row.used for row in inside)
    return Burnt(len(inside) / (ended - began), used / sum(r.ended - r.began for r in inside))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=0.2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{options.clips} clips of {options.seconds} processor seconds; bar: {_BAR}x")
    print(f"{'round':>6}{'gain':>8}{'got by 1':>10}{'got by 2':>10}{'gain on free cores':>20}")
    gains = []
    for number in range(options.rounds):
        one = measure(1, options.clips, options.seconds)
        two = measure(2, options.clips, options.seconds)
        gain = two.rate / one.rate
        free = gain * one.got / two.got
        gains.append(free)
        print(
            f"{number + 1:>6}{gain:>7.2f}x{one.got:>10.0%}{two.got:>10.0%}{free:>19.2f}x",
            flush=True,
        )
    median = statistics.median(gains)
    print(f"median on free cores: {median:.2f}x")
    return median < _BAR


if __name__ == "__main__":
    raise SystemExit(main())
