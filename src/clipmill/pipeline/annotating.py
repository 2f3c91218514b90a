"""Annotation steps: find what is missing, let the engine compute it, drop what failed."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.base import ClipInput
from clipmill.clips import Clip
from clipmill.engine.spec import StageSpec
from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.population import Population
from clipmill.pipeline.report import StepReport, verdict_table
from clipmill.store.annotations import Outcome

READ_CHUNK = 256
"""Clips whose input rows are read from disk at once; bounds the memory of long runs."""


class Engine(Protocol):
    """Places units of clips on workers."""

    workers: int

    def run(
        self, spec: StageSpec, items: Iterator[tuple[str, ClipInput]]
    ) -> Iterator[list[Outcome]]:
        """Yield outcomes in lots worth committing."""
        ...


OnCommit = Callable[[Sequence[Outcome]], None]


def pending_keys(
    stage: Stage, context: Context, population: Population, *, retry_failed: bool = False
) -> list[str]:
    """Return the keys of the population without a row, or without an entry of a kept object."""
    keys = pa.array([population.key_of(clip) for clip in population.clips], pa.string())
    pending = stage.table.pending(keys, retry_failed=retry_failed).to_pylist()
    if not stage.backend.kept_only or population.kept_objects is None:
        return pending
    lacking = _lacking(stage, context, population) | set(pending)
    return [key for key in keys.to_pylist() if key in lacking]


def _lacking(stage: Stage, context: Context, population: Population) -> set[str]:
    """Return clips with a row in which a tracked object is missing that is kept now."""
    assert population.kept_objects is not None
    done = stage.table.exploded("objects", ["object_id"])["object_id"].to_pylist()
    kept = population.kept_objects - set(done)
    tracked = context.stages["tracks"].table.exploded("objects", ["object_id"])
    pairs = zip(tracked["key"].to_pylist(), tracked["object_id"].to_pylist(), strict=True)
    wanted = {key for key, name in pairs if name in kept}
    failed = stage.table.status()
    failed = failed.filter(pc.equal(failed["status"], "failed"))
    return wanted - set(failed["key"].to_pylist())


def compute(
    stage: Stage,
    context: Context,
    population: Population,
    *,
    engine: Engine,
    pending: Sequence[str],
    on_commit: OnCommit,
) -> None:
    """Compute the pending rows and commit them lot by lot; compact when all are there."""
    stage.table.write_manifest(stage.manifest)
    if pending:
        spec = stage_spec(stage, workers=engine.workers)
        for lot in engine.run(spec, _inputs(stage, context, population, frozenset(pending))):
            if lot:
                stage.table.append(lot)
                on_commit(lot)
    stage.table.compact()


def stage_spec(stage: Stage, *, workers: int) -> StageSpec:
    """Return what the workers of a stage need to know."""
    backend, step = stage.backend, stage.step
    return StageSpec(
        annotation=step.annotate,
        backend=step.backend,
        config=stage.config.model_dump(mode="json"),
        time_limit=step.time_limit or backend.time_limit,
        unit_size=step.unit_size or backend.unit_size,
        batch_size=step.batch_size or backend.batch_size,
        cpu_threads=max(1, (os.cpu_count() or 1) // max(1, workers)),
    )


def _inputs(
    stage: Stage, context: Context, population: Population, pending: frozenset[str]
) -> Iterator[tuple[str, ClipInput]]:
    """Yield the inputs of the pending clips, reading rows they depend on chunk by chunk."""
    clips = [clip for clip in population.clips if population.key_of(clip) in pending]
    for at in range(0, len(clips), READ_CHUNK):
        chunk = clips[at : at + READ_CHUNK]
        probes = {}
        if population.probed:
            probes = context.stages["probe"].table.read(sorted({c.video_id for c in chunk}))
        rows = {
            name: context.stages[name].table.read([clip.clip_id for clip in chunk])
            for name in stage.backend.reads
        }
        for clip in chunk:
            yield (
                population.key_of(clip),
                ClipInput(
                    video=population.video_of(clip),
                    clip=clip,
                    probe=probes.get(clip.video_id),
                    rows={name: rows[name][clip.clip_id] for name in rows},
                    kept=_kept_of(stage, population, rows, clip),
                ),
            )


def _kept_of(
    stage: Stage, population: Population, rows: Mapping[str, Mapping[str, Any]], clip: Clip
) -> frozenset[str] | None:
    """Return the kept objects of one clip: a worker needs no others."""
    if not stage.backend.kept_only or population.kept_objects is None:
        return None
    own = {entry.object_id for entry in rows["tracks"][clip.clip_id].objects}
    return population.kept_objects & own


def settle(stage: Stage, population: Population, *, pending: int) -> tuple[Population, StepReport]:
    """Take the failed clips out of the population; after `probe`, turn videos into clips."""
    status = stage.table.status()
    bad = status.filter(pc.equal(status["status"], "failed")).to_pylist()
    members = {population.key_of(clip): clip for clip in population.clips}
    failures = {row["key"]: row for row in bad if row["key"] in members}
    left = tuple(clip for key, clip in members.items() if key not in failures)
    level = "clip" if population.probed else "video"
    verdicts = verdict_table(
        {
            "key": key,
            "level": level,
            "clip_id": key if population.probed else None,
            "video_id": members[key].video_id,
            "state": "failed",
            "rule": f"{row['error_kind']}: {row['error']}",
        }
        for key, row in sorted(failures.items())
    )
    report = StepReport(
        title=stage.step.title,
        kind="annotate",
        unit=population.unit,
        entering=len(population.clips),
        leaving=len(left) - pending,
        failed=len(failures),
        pending=pending,
        fingerprint=stage.fingerprint,
        backend=stage.step.backend,
        verdicts=verdicts,
    )
    after = replace(population, clips=left)
    if not population.probed and not pending:
        after = _with_frames(stage, after)
    return after, report


def _with_frames(stage: Stage, population: Population) -> Population:
    """Replace the stand-in of each video by the clip of all its frames."""
    counts = stage.table.columns(["num_frames"])
    frames = dict(zip(counts["key"].to_pylist(), counts["num_frames"].to_pylist(), strict=True))
    clips = tuple(Clip(c.video_id, 0, frames[c.video_id]) for c in population.clips)
    return replace(population, clips=clips, probed=True)
