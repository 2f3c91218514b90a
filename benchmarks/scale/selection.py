"""Select from 1,000,000 clips with 10 scores by 10 quantile rules.

Run: `python benchmarks/scale/selection.py [--clips 1000000]`. Prints wall and CPU seconds, peak
memory, and what the rules dropped. Bar: under 3 s.
"""

import argparse
import resource
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.selection import QuantileRule, select

SCORES = 10


def population(clips: int) -> pa.Table:
    """Make clips in random order: random video ids, scores with ties, 1 % without a number."""
    random = np.random.default_rng(0)
    videos = random.integers(0, 2**63, clips)
    keys = pa.array([f"{video:016x}-000000-000120" for video in videos], pa.string())
    table = pa.table({"clip_id": keys})
    for number in range(SCORES):
        scores = random.normal(size=clips)
        if number % 2:
            scores = scores.round(2)
        scores[random.random(clips) < 0.01] = np.nan
        table = table.append_column(f"score{number}", pa.array(scores))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1_000_000)
    clips = parser.parse_args().clips
    table = population(clips)
    rules = [
        QuantileRule(column=f"score{number}", drop=((0.0, 0.03), (0.95, 1.0)))
        for number in range(SCORES)
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    wall, cpu = time.perf_counter(), time.process_time()
    result = select(table, rules, key="clip_id", min_population=20)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    states = pc.value_counts(result.verdicts["state"]).to_pylist()
    print(f"{clips:,} clips x {SCORES} scores, {len(rules)} quantile rules")
    print(f"wall {wall:.2f} s, CPU {cpu:.2f} s")
    print(f"peak memory {peak >> 10} MiB, {before >> 10} MiB before")
    print(", ".join(f"{state['values']} {state['counts']:,}" for state in states))


if __name__ == "__main__":
    main()
