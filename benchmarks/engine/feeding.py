"""How well the engine keeps a model busy: a backend that sleeps as long as a GPU would work.

python benchmarks/engine/feeding.py [--clips 200] [--model 0.1]

Decoding takes 0.5 or 2 times as long as the model, each clip half as long to one and a half times,
in units of four clips, commits included, in one spawned worker process with a pretended GPU. Times
of the model come from the rows themselves: busy is from its first call to the end of its last. What
decoding allows is the model's own rate, or that of the threads that decode, whichever is less.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clipmill.annotations.base import Backend, BackendConfig, ClipInput, Needs
from clipmill.clips import Clip, Video, video_id_for
from clipmill.engine.local import LocalEngine
from clipmill.engine.resources.gpus import Gpu
from clipmill.engine.resources.machine import Machine
from clipmill.engine.spec import StageSpec, WorkerNeeds
from clipmill.store.workspace import Workspace

_BAR = 0.95
_FRAME_BYTES = 8 << 20


@dataclass(frozen=True)
class SleptRow:
    """When the model had the clip, seconds of the machine's clock, and how long decoding took."""

    began: float
    ended: float
    decoding: float


class SleeperConfig(BackendConfig):
    """Mean seconds of decoding and of the model."""

    decode: float
    model: float


class Sleeper(Backend):
    """Sleeps in place of a decoder and of a GPU."""

    annotation = "sleep"
    name = "sleep"
    Config = SleeperConfig
    Row = SleptRow
    needs = Needs(gpus=1.0)
    unit_size = 4
    config: SleeperConfig

    def load(self, item: ClipInput) -> Any:
        began = time.monotonic()
        frames = np.zeros(_FRAME_BYTES, np.uint8)
        # Another length for every clip, the same in every run: 0.5 to 1.5 of the mean.
        share = 0.5 + item.seed("length") % 1000 / 1000
        time.sleep(self.config.decode * share)
        return frames, time.monotonic() - began

    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        rows = []
        for _, decoding in batch:
            began = time.monotonic()
            time.sleep(self.config.model)
            rows.append(SleptRow(began, time.monotonic(), decoding))
        return rows


def clips(count: int) -> Iterator[tuple[str, ClipInput]]:
    for number in range(count):
        video = Video(video_id_for(f"v{number}"), "", f"v{number}", f"/data/v{number}", 1)
        clip = Clip(video.video_id, 0, 100)
        yield clip.clip_id, ClipInput(video, clip)


@dataclass(frozen=True)
class Fed:
    """How a run went.

    Attributes:
        busy: Share of the time between the model's first call and the end of its last.
        rate: Clips per second in that time.
        allowed: Clips per second that the model, or its decoding threads, allow.
        told: The busy share that the engine tells.
    """

    busy: float
    rate: float
    allowed: float
    told: float

    @property
    def of_allowed(self) -> float:
        """Share of the rate that could be had."""
        return self.rate / self.allowed


def measure(count: int, *, model: float, decode: float, threads: int) -> Fed:
    """Feed a sleeping model and return how busy it was."""
    spec = StageSpec(
        annotation="sleep",
        backend="feeding:Sleeper",
        config={"decode": decode, "model": model},
        time_limit=60.0,
        unit_size=Sleeper.unit_size,
        batch_size=1,
        decode_threads=threads,
        needs=WorkerNeeds(gpus=1.0),
    )
    machine = Machine(os.cpu_count() or 1, 8 << 30, (Gpu("0"),))
    rows = []
    with tempfile.TemporaryDirectory() as folder, LocalEngine(None, machine) as engine:
        table = Workspace.open(folder, create=True).annotation("sleep", "0", SleptRow)
        for lot in engine.run(spec, clips(count)):
            table.append(lot)
            rows += [outcome.record for outcome in lot]
        told = engine.rates.busy
    assert len(rows) == count and all(rows)
    span = max(row.ended for row in rows) - min(row.began for row in rows)
    in_model = sum(row.ended - row.began for row in rows)
    decoding = sum(row.decoding for row in rows) / count
    allowed = min(count / in_model, threads / decoding)
    return Fed(in_model / span, count / span, allowed, told)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--model", type=float, default=0.1, help="seconds")
    options = parser.parse_args()
    print(f"{options.clips} clips, {options.model} s each in the model; bar: {_BAR:.0%}")
    print(f"{'decode':>8}{'threads':>9}{'busy':>8}{'told':>8}{'of what decoding allows':>26}")
    missed = 0
    for factor, threads in ((0.5, 1), (2.0, 1), (2.0, 2), (2.0, 4)):
        fed = measure(
            options.clips, model=options.model, decode=factor * options.model, threads=threads
        )
        enough = threads > factor
        kept = fed.of_allowed >= _BAR and (fed.busy >= _BAR or not enough)
        missed += not kept
        print(
            f"{factor:>7}x{threads:>9}{fed.busy:>8.1%}{fed.told:>8.1%}{fed.of_allowed:>26.1%}"
            f"{'' if kept else '  missed'}",
            flush=True,
        )
    return bool(missed)


if __name__ == "__main__":
    raise SystemExit(main())
