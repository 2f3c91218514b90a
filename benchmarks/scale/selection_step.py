"""The select step over very many clips with three scores, as a run evaluates it.

    python benchmarks/scale/selection_step.py make FOLDER CLIPS
    python benchmarks/scale/selection_step.py select FOLDER CLIPS

`make` writes a compacted table of `quality` in parts, ten clips a video; `select` reads it, judges
by two thresholds and three percentiles, and writes the verdicts; see `population.py`.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from clipmill.config.load import parse_pipeline
from clipmill.pipeline.context import Context
from clipmill.pipeline.population import ClipColumns, Population
from clipmill.pipeline.steps.base import Work
from clipmill.pipeline.steps.registry import make_step
from clipmill.sources.columns import VideoRows
from clipmill.store.merge import PART_ROWS
from clipmill.store.parts import OK, WHOLE_LEVEL, PartName, Parts
from clipmill.store.storage.local import LocalStorage
from clipmill.store.workspace import Workspace

SEED = 11
CLIPS_PER_VIDEO = 10
FRAMES = 120
PIPELINE = """
name: select
steps:
  - annotate: probe
  - annotate: quality
  - select: quality
    min_population: 20
    rules:
      - {column: quality.text_area, max: 0.4}
      - {column: quality.entropy, min: 0.05}
      - {column: quality.text_area, drop: [[0.9, 1.0]], reason: too much text}
      - {column: quality.clarity, drop: [[0.0, 0.075]], reason: blurred}
      - {column: quality.entropy, drop: [[0.0, 0.03], [0.99, 1.0]]}
"""
SCORES = ("text_area", "clarity", "entropy")


def population_of(clips: int) -> Population:
    """Return ten windows of each video; videos in the order of their ids."""
    count = clips // CLIPS_PER_VIDEO
    random = np.random.default_rng(SEED)
    numbers = np.unique(random.integers(0, 2**63, 2 * count))[:count]
    ids = pa.array([f"{number:016x}" for number in numbers], pa.string())
    columns = {field.name: pa.nulls(count, field.type) for field in VideoRows.schema}
    videos = VideoRows(pa.table(columns | {"video_id": ids}))
    start = np.tile(np.arange(CLIPS_PER_VIDEO, dtype=np.int32) * FRAMES, count)
    rows = np.repeat(np.arange(count, dtype=np.int32), CLIPS_PER_VIDEO)
    return Population(videos, ids, ClipColumns(rows, start, start + np.int32(FRAMES)), probed=True)


def shuffled(population: Population) -> Population:
    """Return the clips in an order of videos that is not that of their ids, as listings have it."""
    count = len(population.videos)
    order = np.random.default_rng(SEED + 1).permutation(count)
    rows = np.arange(len(population.clips)).reshape(count, -1)[order].ravel()
    return population.with_clips(population.clips.take(rows))


def make(folder: Path, clips: int) -> None:
    """Write the table, part by part."""
    workspace = Workspace.open(folder, create=True)
    table = Context(workspace, parse_pipeline(PIPELINE, name="select")).stages["quality"].table
    parts = Parts(LocalStorage(folder), table.path, table.schema, table.key)
    random = np.random.default_rng(SEED)
    every = population_of(clips)
    for first in range(0, len(every.clips), PART_ROWS):
        some = every.with_clips(every.clips.take(slice(first, first + PART_ROWS)))
        rows = _rows(some.keys, table.schema, table.key, random)
        parts.write(
            PartName.new(1, WHOLE_LEVEL),
            rows=rows.num_rows,
            fetch=lambda start, stop, rows=rows: rows.slice(start, stop - start),
        )


def _rows(keys: pa.Array, schema: pa.Schema, key: str, random: np.random.Generator) -> pa.Table:
    columns = {field.name: pa.nulls(len(keys), field.type) for field in schema}
    columns |= {key: keys, "status": pa.repeat(OK, len(keys))}
    columns |= {name: pa.array(random.random(len(keys))) for name in SCORES}
    return pa.table(columns, schema=schema)


def select(folder: Path, clips: int) -> None:
    """Evaluate the step, and tell how long it took and what it decided."""
    context = Context(Workspace.open(folder), parse_pipeline(PIPELINE, name="select"))
    population = shuffled(population_of(clips))
    step = make_step(context.pipeline.steps[2])
    began, cpu = time.monotonic(), time.process_time()
    work = Work(execute=lambda *_: {})
    ((_, report),) = step.apply(context, population, work, fingerprint="0" * 16)
    print(f"{report.entering:,} clips x {len(SCORES)} scores, verdicts written: ", end="")
    print(f"{time.monotonic() - began:.1f} s wall, {time.process_time() - cpu:.1f} s CPU; ", end="")
    print(f"{report.leaving:,} kept, {report.dropped:,} dropped")


if __name__ == "__main__":
    {"make": make, "select": select}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
