"""Lets an engine compute the pending rows of an annotation, and commits them lot by lot."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.base import ClipInput
from clipmill.annotations.columns import object_ids
from clipmill.engine.base import Engine
from clipmill.engine.spec import StageSpec, WorkerNeeds
from clipmill.failures import Kind, is_machine, once_more
from clipmill.pipeline.context import PROBE, Context, Stage
from clipmill.pipeline.population import Chunk, Ints, Population
from clipmill.pipeline.steps.same_failure import FIRST, SameFailure
from clipmill.store.annotations import Outcome
from clipmill.store.parts import OK

CHANGED = "changed"
"""Kind of the error of a file that is not the one that was listed."""

READ_CHUNK = 256
"""Clips whose input rows are read from disk at once; bounds the memory of long runs."""

READ_BLOCK = 4096
"""Clips whose `probe` rows are read at once, and that are ordered by their keys."""

OnCommit = Callable[[Sequence[Outcome]], None]


def compute(
    stage: Stage,
    context: Context,
    population: Population,
    *,
    engine: Engine,
    pending: pa.Array,
    on_commit: OnCommit,
    keep_going: bool = False,
) -> dict[str, str]:
    """Compute the pending rows and commit them lot by lot; compact when all are there.

    Args:
        stage: The annotation.
        context: Workspace and pipeline.
        population: What reached it.
        engine: Places the work.
        pending: Keys to compute, string [n].
        on_commit: Told what was committed.
        keep_going: Go on although the first clips all fail in the same way.

    Raises:
        StageStopped: They do.

    Returns:
        Errors that are not committed, by key: a file that is another one by now says nothing of the
        one that was listed.
    """
    changed: dict[str, str] = {}
    stage.table.write_manifest(stage.manifest)
    if len(pending):
        history = _History(stage)
        watch = SameFailure(stage.step.title, population.unit, ever=history.any_succeeded)

        def commit(outcomes: Sequence[Outcome]) -> None:
            changed.update({o.key: o.error for o in outcomes if o.error_kind == CHANGED})
            lot = [history.once_more(o) for o in outcomes if o.key not in changed]
            if lot:
                stage.table.append(lot)
                on_commit(lot)

        spec = stage_spec(stage)
        with closing(engine.run(spec, _inputs(stage, context, population, pending))) as lots:
            for done in lots:
                commit(done if keep_going else watch.sift(done))
        commit(watch.rest())
    stage.table.compact()
    return changed


class _History:
    """What became of the clips of a stage in earlier runs; read when the first of them fails."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @cached_property
    def _status(self) -> pa.Table:
        return self._stage.table.status()

    @cached_property
    def _runs(self) -> dict[str, Kind]:
        """Kinds of failures of the machine, by key."""
        failed = self._status.filter(pc.not_equal(self._status["status"], OK))
        pairs = zip(failed["key"].to_pylist(), failed["error_kind"].to_pylist(), strict=True)
        return {key: Kind.parse(kind) for key, kind in pairs if is_machine(kind)}

    def any_succeeded(self) -> bool:
        """Tell whether the stage has ever worked."""
        return bool(pc.any(pc.equal(self._status["status"], OK)).as_py())

    def once_more(self, outcome: Outcome) -> Outcome:
        """Return an outcome with the number of runs that have ended so."""
        if not is_machine(outcome.error_kind):
            return outcome
        before = self._runs.get(outcome.key)
        kind = Kind.parse(outcome.error_kind).name
        runs = before.runs if before is not None and before.name == kind else 0
        error_kind, error = once_more(outcome.error_kind, outcome.error, runs)
        return replace(outcome, error_kind=error_kind, error=error)


def stage_spec(stage: Stage) -> StageSpec:
    """Return what the workers of a stage need to know; what it leaves open the engine decides."""
    backend, step = stage.backend, stage.step
    return StageSpec(
        annotation=step.annotate,
        backend=step.backend,
        config=stage.config.model_dump(mode="json"),
        time_limit=step.time_limit or backend.time_limit,
        unit_size=step.unit_size or backend.unit_size,
        batch_size=step.batch_size or backend.batch_size,
        ahead=step.ahead or 0,
        decode_threads=step.decode_threads or 0,
        needs=worker_needs(stage),
    )


def worker_needs(stage: Stage) -> WorkerNeeds:
    """Return what one worker needs: what the pipeline file says, else what the backend does."""
    needs, step = stage.backend.needs, stage.step
    share = stage.backend.gpu_share(stage.config)
    kind, _, number = str(getattr(stage.config, "device", "")).partition(":")
    return WorkerNeeds(
        workers=step.workers or 0,
        cpus=needs.cpus,
        gpus=share if step.gpus is None else step.gpus,
        gpu_memory=int(stage.backend.gpu_memory(stage.config) * 2**30),
        memory=int(needs.memory * 2**30),
        gpu=int(number) if kind == "cuda" and number.isdigit() else None,
    )


def _inputs(
    stage: Stage, context: Context, population: Population, pending: pa.Array
) -> Iterator[tuple[str, ClipInput]]:
    """Yield the inputs of the pending clips, reading rows they depend on chunk by chunk."""
    wanted = pc.is_in(population.keys, value_set=pending)
    for rows in _blocks(_spread(np.flatnonzero(np.asarray(wanted)))):
        block = pa.array(rows)
        probes = {}
        if population.probed:
            files = population.members_files.take(block).to_pylist()
            probes = context.stages[PROBE].table.read(sorted(set(files)))
        if stage.backend.reads:
            # Rows that lie beside each other are read at once.
            block = block.take(pc.sort_indices(population.keys.take(block)))
        for chunk in population.chunks(block.to_numpy(), READ_CHUNK):
            yield from _of_chunk(stage, context, population, chunk, probes)


def _blocks(rows: Ints) -> list[Ints]:
    """Return rows in runs of neighbours in the listing; those that `_spread` put in front alone.

    Rows of clips lie by the hash in their ids: to find 256 of a million, as good as all are read.
    """
    return np.split(rows, range(FIRST, len(rows), READ_BLOCK))


def _of_chunk(
    stage: Stage,
    context: Context,
    population: Population,
    chunk: Chunk,
    probes: Mapping[str, Any],
) -> Iterator[tuple[str, ClipInput]]:
    """Yield the inputs of a few clips.

    Args:
        stage: The annotation.
        context: Has the tables that it reads.
        population: What reached it.
        chunk: The clips.
        probes: Rows of `probe`, by `file_id`.
    """
    read = {name: context.stages[name].table.read(chunk.keys) for name in stage.backend.reads}
    members = zip(chunk.keys, chunk.files, chunk.clips, chunk.videos, strict=True)
    for key, file, clip, video in members:
        rows = {name: rows[key] for name, rows in read.items()}
        kept = _kept_of(stage, population, rows)
        yield key, ClipInput(video, clip, probe=probes.get(file), rows=rows, kept=kept)


def _spread(rows: Ints) -> Ints:
    """Put a few clips from all over the list in front.

    They stand for all: a folder of damaged files at the beginning is not the whole data set.
    """
    last = len(rows) - 1
    front = [at * last // (FIRST - 1) for at in range(FIRST)] if last >= FIRST else []
    return np.concatenate([rows[front], np.delete(rows, front)]) if front else rows


def _kept_of(
    stage: Stage, population: Population, rows: Mapping[str, Any]
) -> frozenset[str] | None:
    """Return the kept objects of one clip: a worker needs no others."""
    kept = population.kept_objects
    if not stage.backend.kept_of or kept is None:
        return None
    return frozenset(name for name in object_ids(rows[stage.backend.kept_of]) if name in kept)
