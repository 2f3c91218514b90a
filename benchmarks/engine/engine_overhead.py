"""What the engine costs per clip: a backend that does nothing, inputs and commits included.

python benchmarks/engine/engine_overhead.py [--clips 20000]
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clipmill.annotations.base import Backend, ClipInput
from clipmill.clips import Clip, Video, video_id_for
from clipmill.engine.inprocess import InProcessEngine
from clipmill.engine.local import LocalEngine
from clipmill.engine.spec import StageSpec
from clipmill.store.workspace import Workspace


@dataclass(frozen=True)
class NothingRow:
    """A row as small as rows get."""

    start: int


class Nothing(Backend):
    """Does no work at all."""

    annotation = "nothing"
    name = "nothing"
    Row = NothingRow
    unit_size = 64
    batch_size = 8

    def load(self, item: ClipInput) -> Any:
        return item.clip.start

    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        return [NothingRow(start) for start in batch]


def clips(count: int) -> Iterator[tuple[str, ClipInput]]:
    for number in range(count):
        video = Video(video_id_for(f"v{number}"), "", f"v{number}", f"/data/v{number}", 1)
        clip = Clip(video.video_id, 0, 100)
        yield clip.clip_id, ClipInput(video, clip)


def measure(engine: InProcessEngine | LocalEngine, count: int) -> tuple[float, float]:
    """Return wall and CPU milliseconds per clip, worker processes included."""
    spec = StageSpec(
        annotation="nothing",
        backend="engine_overhead:Nothing",
        config={},
        time_limit=60.0,
        unit_size=Nothing.unit_size,
        batch_size=Nothing.batch_size,
    )
    for _ in engine.run(spec, clips(Nothing.unit_size * 4)):
        pass  # processes are up, the backend is loaded
    with tempfile.TemporaryDirectory() as folder:
        table = Workspace.open(folder, create=True).annotation("nothing", "0", NothingRow)
        wall, cpu = time.perf_counter(), time.process_time()
        for lot in engine.run(spec, clips(count)):
            table.append(lot)
        table.compact()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        assert len(table.status()) == count
    return wall / count * 1e3, cpu / count * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=20_000)
    options = parser.parse_args()
    print(f"{options.clips} clips, {os.cpu_count()} cores; bar: under 2 ms per clip")
    print(f"{'engine':<16}{'wall ms/clip':>14}{'CPU ms/clip (parent)':>22}")
    for name, engine in (("in process", InProcessEngine()), ("2 workers", LocalEngine(2))):
        wall, cpu = measure(engine, options.clips)
        engine.close()
        print(f"{name:<16}{wall:>14.3f}{cpu:>22.3f}")


if __name__ == "__main__":
    main()
