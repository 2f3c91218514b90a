"""The last step: samples of every clip that is still in, written as parquet parts."""

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass, fields
from itertools import islice
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.config import SamplesStep
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.population import Population
from clipmill.pipeline.steps.base import Applied, Step, Work
from clipmill.pipeline.verdicts import StepReport, clip_verdicts
from clipmill.samples.build import ClipAnnotations, SampleLimits, build_samples
from clipmill.samples.schema import SampleRow
from clipmill.samples.table import sample_parts, samples_folder
from clipmill.store.records import schema_of, to_dict

SAMPLES_PER_PART = 256
ROWS_PER_GROUP = 4
"""A training job reads single samples in random order; a row group is what it has to read."""

READ_CHUNK = 256

NO_SAMPLE = "no tracked object at any anchor"
"""Why a clip has no sample."""


_FIELDS = fields(ClipAnnotations)
_OPTIONAL = tuple(field.name for field in _FIELDS if field.default is not MISSING)


@dataclass(frozen=True)
class _Counts:
    """Samples.

    Attributes:
        clips: Clips with samples, string [n].
        samples: How many there are of them.
        stage2: How many of all are ready for stage 2.
    """

    clips: pa.Array
    samples: int
    stage2: int

    @classmethod
    def of(cls, clip_ids: list[pa.Array], stage2: int) -> "_Counts":
        """Count samples by the clip of each."""
        every = pa.concat_arrays([pa.array([], pa.string()), *clip_ids])
        return cls(pc.unique(every), len(every), stage2)


class Samples(Step[SamplesStep]):
    """Writes the samples of every clip that is still in."""

    reads: ClassVar[tuple[str, ...]] = tuple(
        field.name for field in _FIELDS if field.default is MISSING
    )

    def apply(
        self, context: Context, population: Population, work: Work, *, fingerprint: str
    ) -> Iterator[Applied]:
        """Write the samples where that is wanted, else count those there are."""
        if work.execute is None:
            counts = _count(self.settings, context, population)
        else:
            names = (*self.reads, *_OPTIONAL)
            rows = _samples(self.settings, context, population, names)
            counts = _write(self.settings, context, rows, allow_none=work.allow_fewer)
        yield population, _report(self.settings, population, counts)


def read_sample_ids(context: Context) -> list[str]:
    """Return the ids of all samples of the last run."""
    found: list[str] = []
    for step in context.pipeline.steps_of(SamplesStep):
        for path in sample_parts(context.workspace, step.samples):
            table = context.workspace.read_table(path, columns=["sample_id"])
            found += table["sample_id"].to_pylist() if table is not None else []
    return found


def _write(
    step: SamplesStep, context: Context, source: Iterator[SampleRow], *, allow_none: bool
) -> _Counts:
    """Write the samples; parts of an earlier run that are not overwritten are removed.

    Raises:
        UsageError: There is none; those of the earlier run were kept.
    """
    folder = samples_folder(step.samples)
    written: list[str] = []
    seen: list[pa.Array] = []
    stage2 = 0
    while rows := list(islice(source, SAMPLES_PER_PART)):
        seen.append(pa.array([row.clip_id for row in rows], pa.string()))
        stage2 += sum(row.stage2 for row in rows)
        path = f"{folder}/part-{len(written):05d}.parquet"
        table = pa.Table.from_pylist([to_dict(row) for row in rows], schema=schema_of(SampleRow))
        context.workspace.write_table(path, table, rows_per_group=ROWS_PER_GROUP)
        written.append(path)
    parts = sample_parts(context.workspace, step.samples)
    if parts and not written and not allow_none:
        raise UsageError(
            f"no sample is left, so those of an earlier run in {context.workspace.root}/{folder} "
            "were kept. `clipmill status` tells why clips are out; to replace the samples by "
            "none, add --allow-fewer"
        )
    for path in sorted({*parts}.difference(written)):
        context.workspace.remove(path)
    return _Counts.of(seen, stage2)


def _count(step: SamplesStep, context: Context, population: Population) -> _Counts:
    """Count the samples on disk."""
    seen: list[pa.Array] = []
    stage2 = 0
    for path in sample_parts(context.workspace, step.samples):
        table = context.workspace.read_table(path, columns=["clip_id", "stage2"])
        assert table is not None
        clip_ids = table["clip_id"].combine_chunks()
        seen.append(clip_ids.filter(pc.is_in(clip_ids, value_set=population.keys)))
        stage2 += pc.sum(table["stage2"]).as_py() or 0
    return _Counts.of(seen, stage2)


def _report(step: SamplesStep, population: Population, counts: _Counts) -> StepReport:
    has = np.asarray(pc.is_in(population.keys, value_set=counts.clips))
    without = population.keep(~has)
    return StepReport(
        title=step.title,
        kind="samples",
        unit="clips",
        entering=len(population.clips),
        leaving=len(counts.clips),
        dropped=len(without.clips),
        samples=counts.samples,
        stage2_samples=counts.stage2,
        decided=clip_verdicts(without, state="dropped", rule=NO_SAMPLE),
    )


def _samples(
    step: SamplesStep, context: Context, population: Population, names: Sequence[str]
) -> Iterator[SampleRow]:
    limits = SampleLimits(
        stage1_min_frames=step.stage1_min_frames,
        stage2_min_frames=step.stage2_min_frames,
        tail_frames=step.tail_frames,
    )
    licences = tuple(note for stage in context.stages.values() for note in stage.non_commercial)
    stages = {name: context.stages[name] for name in names if name in context.stages}
    every = np.arange(len(population.clips))
    for chunk in population.chunks(every, READ_CHUNK):
        keys = {
            name: chunk.files if stage.backend.level == "video" else chunk.keys
            for name, stage in stages.items()
        }
        rows = {name: stage.table.read(sorted(set(keys[name]))) for name, stage in stages.items()}
        for number, (clip, video) in enumerate(zip(chunk.clips, chunk.videos, strict=True)):
            mine = {name: rows[name][keys[name][number]] for name in stages}
            yield from build_samples(
                video=video,
                clip=clip,
                rows=ClipAnnotations(**mine),
                kept_objects=population.kept_objects,
                limits=limits,
                non_commercial=licences,
                review=context.review.of_clip(clip),
            )
