"""Memory of a training dataset of many samples: opening, an epoch's order, random rows.

    python benchmarks/decode/loading_memory.py [--samples N] [--reads N]

Parts are written with the schema of samples, of made-up tracks of 2 objects with 8 points over
81 frames. Prints peak memory (RSS) above that of the imports after each step. Needs torch.
"""

import argparse
import multiprocessing
import resource
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
from loading import make_sample

from clipmill.pipeline.steps.samples import ROWS_PER_GROUP, SAMPLES_PER_PART
from clipmill.samples.schema import SampleRow
from clipmill.store.codecs import decode_bits, decode_tracks, encode_bits, encode_tracks
from clipmill.store.records import schema_of, to_dict
from clipmill.store.workspace import Workspace
from clipmill.training import BucketBatches, Buckets, LoadOptions, MotionDataset, ShardOrder


def small(sample: SampleRow) -> SampleRow:
    """Cut a sample down to 2 objects, 8 points and 81 frames."""
    objects = tuple(
        replace(
            entry,
            points=encode_tracks(decode_tracks(entry.points)[:81, :8]),
            visibility=encode_bits(decode_bits(entry.visibility)[:81, :8]),
        )
        for entry in sample.objects[:2]
    )
    return replace(sample, objects=objects, num_objects=len(objects), num_frames=81)


def write(folder: str, count: int) -> None:
    """Write `count` samples, 256 in each part."""
    workspace = Workspace.open(folder, create=True)
    row = to_dict(small(make_sample(Path("/nowhere.mp4"), 1280, 720, 0)))
    for start in range(0, count, SAMPLES_PER_PART):
        numbers = range(start, min(start + SAMPLES_PER_PART, count))
        rows = [row | {"sample_id": f"{number:016x}-000000-000300-a00000"} for number in numbers]
        table = pa.Table.from_pylist(rows, schema=schema_of(SampleRow))
        path = f"samples/training/part-{start // SAMPLES_PER_PART:05d}.parquet"
        workspace.write_table(path, table, rows_per_group=ROWS_PER_GROUP)


def cpu_seconds() -> float:
    """CPU time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--reads", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own, whose memory is gone afterwards.
        writer = multiprocessing.get_context("spawn").Process(
            target=write, args=(folder, options.samples)
        )
        writer.start()
        writer.join()
        workspace = Workspace.open(folder)
        process = psutil.Process()
        base, before = process.memory_info().rss, cpu_seconds()

        def say(step: str) -> None:
            more = (process.memory_info().rss - base) / 2**20
            print(
                f"{step:32s} {more:7.0f} MiB more  {cpu_seconds() - before:6.1f} CPU s", flush=True
            )

        dataset = MotionDataset(workspace, LoadOptions(buckets=Buckets(((1280, 704),), (81,))))
        index = dataset.index
        held = sum(array.nbytes for array in vars(index).values())
        say(f"{len(dataset)} samples opened")
        assert len(list(ShardOrder(dataset))) == options.samples
        say("order of an epoch")
        assert sum(map(len, BucketBatches(dataset, batch_size=4))) == options.samples // 4 * 4
        say("batches of an epoch")
        for number in np.random.default_rng(0).integers(len(dataset), size=options.reads).tolist():
            dataset._source.read(number)
        say(f"{options.reads} random rows read")
        print(f"index: {held / len(dataset):.0f} bytes a sample")


if __name__ == "__main__":
    main()
