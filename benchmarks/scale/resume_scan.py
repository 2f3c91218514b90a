"""Find the pending clips among 1,000,000, and read, resume and compact around them.

Run: `python benchmarks/scale/resume_scan.py [--clips 1000000] [--unit 8]`. The table is written as
a real run would leave it: most rows in a compacted part, the last ones in many small parts, 1 %
failed, 2 % still pending. Prints wall and CPU seconds of every step and peak memory.
Bar: the resume scan takes under 5 s.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

from clipmill.annotations.quality.schema import QualityRow
from clipmill.failures import RETRIED_KINDS
from clipmill.store import Outcome, Workspace


@contextmanager
def timed(what: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<48} {wall:8.3f} s wall {cpu:8.3f} s CPU, peak {peak:.0f} MiB", flush=True)


def outcome(key: str, number: int) -> Outcome:
    if number % 100 == 0:
        return Outcome(key, None, "decode", f"{key}: the file is truncated", 0.1)
    score = number / 1e6
    row = QualityRow(*[score] * 9, None, None, None, (0, 60, 114))
    return Outcome(key, row, seconds=0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1_000_000)
    parser.add_argument("--unit", type=int, default=8)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    videos = random.integers(0, 2**63, arguments.clips)
    keys = [f"{video:016x}-000000-000120" for video in videos]
    done = int(0.98 * len(keys))
    small = min(20_000, done // 2)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.open(folder, create=True)
        table = workspace.annotation("quality", "benchmark", QualityRow)
        with timed(f"append {done - small:,} rows in parts of 20,000"):
            for start in range(0, done - small, 20_000):
                stop = min(start + 20_000, done - small)
                table.append([outcome(keys[n], n) for n in range(start, stop)])
        with timed("compact"):
            table.compact()
        with timed(f"append {small:,} rows in units of {arguments.unit}, merges included"):
            for start in range(done - small, done, arguments.unit):
                stop = min(start + arguments.unit, done)
                table.append([outcome(keys[n], n) for n in range(start, stop)])
        table = Workspace.open(folder).annotation("quality", "benchmark", QualityRow)
        parts = len(workspace.names(table.path))
        with timed(f"pending() over {len(keys):,} keys, {parts} parts"):
            pending = table.pending(pa.array(keys))
        with timed("pending(retry=RETRIED_KINDS)"):
            retried = table.pending(pa.array(keys), retry=RETRIED_KINDS)
        with timed("status()"):
            table.status()
        with timed("columns() of 4 scores"):
            table.columns(["text_area", "clarity", "noise", "entropy"])
        with timed("compact again"):
            table.compact()
        with timed("pending() of one part"):
            table.pending(pa.array(keys))
        with timed("read() of 1,000 scattered keys"):
            table.read(keys[1:2000:2])
        with timed("100 x read() of 8 scattered keys"):
            for start in range(0, 800, 8):
                table.read(keys[start : start + 8])
        ordered = sorted(keys)
        with timed("100 x read() of 8 neighbouring keys"):
            for start in range(0, 800, 8):
                table.read(ordered[start : start + 8])
        print(f"{len(pending):,} pending, {len(retried):,} with failed ones")


if __name__ == "__main__":
    main()
