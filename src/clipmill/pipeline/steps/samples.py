"""The last step: samples of every clip that is still in, written as parquet parts."""

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from itertools import islice
from typing import ClassVar

import pyarrow as pa

from clipmill.config import SamplesStep
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.population import Population
from clipmill.pipeline.steps.base import Applied, Step, Work
from clipmill.pipeline.verdicts import StepReport, clip_verdict, verdict_table
from clipmill.samples.build import ClipAnnotations, SampleLimits, build_samples
from clipmill.samples.schema import SampleRow
from clipmill.samples.table import sample_parts, samples_folder
from clipmill.store.records import schema_of, to_dict

SAMPLES_PER_PART = 256
ROWS_PER_GROUP = 4
"""A training job reads single samples in random order; a row group is what it has to read."""

READ_CHUNK = 256


_FIELDS = fields(ClipAnnotations)
_OPTIONAL = tuple(field.name for field in _FIELDS if field.default is not MISSING)

_Counts = tuple[dict[str, int], int]
"""Samples by clip, and how many of all are ready for stage 2."""


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
        yield population, _report(self.settings, population, *counts)


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
    seen: dict[str, int] = {}
    stage2 = 0
    while rows := list(islice(source, SAMPLES_PER_PART)):
        for row in rows:
            seen[row.clip_id] = seen.get(row.clip_id, 0) + 1
            stage2 += row.stage2
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
    for path in parts:
        if path not in written:
            context.workspace.remove(path)
    return seen, stage2


def _count(step: SamplesStep, context: Context, population: Population) -> _Counts:
    """Count the samples on disk."""
    seen: dict[str, int] = {}
    stage2 = 0
    for path in sample_parts(context.workspace, step.samples):
        table = context.workspace.read_table(path, columns=["clip_id", "stage2"])
        assert table is not None
        for row in table.to_pylist():
            seen[row["clip_id"]] = seen.get(row["clip_id"], 0) + 1
            stage2 += row["stage2"]
    alive = {clip.clip_id for clip in population.clips}
    return {k: n for k, n in seen.items() if k in alive}, stage2


def _report(
    step: SamplesStep, population: Population, seen: dict[str, int], stage2: int
) -> StepReport:
    without = [clip for clip in population.clips if clip.clip_id not in seen]
    return StepReport(
        title=step.title,
        kind="samples",
        unit="clips",
        entering=len(population.clips),
        leaving=len(seen),
        dropped=len(without),
        samples=sum(seen.values()),
        stage2_samples=stage2,
        verdicts=verdict_table(
            clip_verdict(clip, "dropped", "no tracked object at any anchor") for clip in without
        ),
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
    for at in range(0, len(population.clips), READ_CHUNK):
        chunk = population.clips[at : at + READ_CHUNK]
        rows = {
            name: stage.table.read(sorted({stage.key_of(clip, population) for clip in chunk}))
            for name, stage in stages.items()
        }
        for clip in chunk:
            mine = {
                name: rows[name][stage.key_of(clip, population)] for name, stage in stages.items()
            }
            yield from build_samples(
                video=population.video_of(clip),
                clip=clip,
                rows=ClipAnnotations(**mine),
                kept_objects=population.kept_objects,
                limits=limits,
                non_commercial=licences,
            )
