"""Annotation steps: find what is missing, let the engine compute it, drop what failed."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.base import ClipInput
from clipmill.clips import Clip, Video, text_id_for
from clipmill.engine.base import Engine
from clipmill.engine.spec import StageSpec
from clipmill.failures import Kind, is_machine, once_more
from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.inputs.identity import contents_in, identify
from clipmill.pipeline.population import Population
from clipmill.pipeline.steps.same_failure import FIRST, SameFailure
from clipmill.pipeline.verdicts import POSTPONED, StepReport, verdict_table
from clipmill.store.annotations import Outcome
from clipmill.store.parts import OK

CHANGED = "changed"
"""Kind of the error of a file that is not the one that was listed."""

AGAIN = (
    f"{CHANGED}: its row was made with another caption text and could not be made again; run again"
)

READ_CHUNK = 256
"""Clips whose input rows are read from disk at once; bounds the memory of long runs."""


OnCommit = Callable[[Sequence[Outcome]], None]


def pending_keys(
    stage: Stage, context: Context, population: Population, *, retry: Collection[str] = ()
) -> list[str]:
    """Return the keys of the population without a row that holds for it as it is now.

    A row does not that lacks an entry of a kept object, or was made with another text of the data
    set; or that failed in one of the kinds of `retry`.
    """
    keys = pa.array([population.key_of(clip) for clip in population.clips], pa.string())
    pending = stage.table.pending(keys, retry=retry).to_pylist()
    again: set[str] = set()
    if stage.backend.kept_only and population.kept_objects is not None:
        again |= _lacking(stage, context, population)
    if stage.backend.reads_text(stage.config):
        again |= _reworded(stage, population, keys)
    if not again:
        return pending
    again |= set(pending)
    return [key for key in keys.to_pylist() if key in again]


def _reworded(stage: Stage, population: Population, keys: pa.Array) -> set[str]:
    """Return clips whose row was made with another text than their video has now."""
    rows = stage.table.columns(["given"])
    # Rows fail only where there is no text, and a model is asked.
    given = pc.fill_null(rows["given"], "")
    made_with = given.take(pc.index_in(keys, value_set=rows["key"].combine_chunks()))
    texts = [population.video_of(clip).text for clip in population.clips]
    ids = {text: text_id_for(text) for text in set(texts)}
    now = pa.array([ids[text] for text in texts], pa.string())
    # Null where there is no row yet.
    return set(keys.filter(pc.fill_null(pc.not_equal(made_with, now), False)).to_pylist())


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
    keep_going: bool = False,
) -> dict[str, str]:
    """Compute the pending rows and commit them lot by lot; compact when all are there.

    Args:
        stage: The annotation.
        context: Workspace and pipeline.
        population: What reached it.
        engine: Places the work.
        pending: Keys to compute.
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
    if pending:
        history = _History(stage)
        watch = SameFailure(stage.step.title, population.unit, ever=history.any_succeeded)

        def commit(outcomes: Sequence[Outcome]) -> None:
            changed.update({o.key: o.error for o in outcomes if o.error_kind == CHANGED})
            lot = [history.once_more(o) for o in outcomes if o.key not in changed]
            if lot:
                stage.table.append(lot)
                on_commit(lot)

        spec = stage_spec(stage, cpu_threads=engine.resources.cpu_threads)
        with closing(
            engine.run(spec, _inputs(stage, context, population, frozenset(pending)))
        ) as lots:
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


def stage_spec(stage: Stage, *, cpu_threads: int) -> StageSpec:
    """Return what the workers of a stage need to know."""
    backend, step = stage.backend, stage.step
    return StageSpec(
        annotation=step.annotate,
        backend=step.backend,
        config=stage.config.model_dump(mode="json"),
        time_limit=step.time_limit or backend.time_limit,
        unit_size=step.unit_size or backend.unit_size,
        batch_size=step.batch_size or backend.batch_size,
        cpu_threads=cpu_threads,
    )


def _inputs(
    stage: Stage, context: Context, population: Population, pending: frozenset[str]
) -> Iterator[tuple[str, ClipInput]]:
    """Yield the inputs of the pending clips, reading rows they depend on chunk by chunk."""
    clips = _spread([clip for clip in population.clips if population.key_of(clip) in pending])
    for at in range(0, len(clips), READ_CHUNK):
        chunk = clips[at : at + READ_CHUNK]
        probes = {}
        if population.probed:
            probes = context.stages["probe"].table.read(sorted(set(map(population.file_of, chunk))))
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
                    probe=probes.get(population.file_of(clip)),
                    rows={name: rows[name][clip.clip_id] for name in rows},
                    kept=_kept_of(stage, population, rows, clip),
                ),
            )


def _spread(clips: list[Clip]) -> list[Clip]:
    """Put a few clips from all over the list in front.

    They stand for all: a folder of damaged files at the beginning is not the whole data set.
    """
    last = len(clips) - 1
    front = [at * last // (FIRST - 1) for at in range(FIRST)] if last >= FIRST else []
    taken = set(front)
    rest = (clip for at, clip in enumerate(clips) if at not in taken)
    return [*(clips[at] for at in front), *rest]


def _kept_of(
    stage: Stage, population: Population, rows: Mapping[str, Mapping[str, Any]], clip: Clip
) -> frozenset[str] | None:
    """Return the kept objects of one clip: a worker needs no others."""
    if not stage.backend.kept_only or population.kept_objects is None:
        return None
    own = {entry.object_id for entry in rows["tracks"][clip.clip_id].objects}
    return population.kept_objects & own


def settle(
    stage: Stage,
    population: Population,
    *,
    pending: Collection[str],
    changed: Mapping[str, str] | None,
) -> tuple[Population, StepReport]:
    """Take the failed clips out of the population; after `probe`, turn files into clips.

    Args:
        stage: The annotation.
        population: What reached it.
        pending: Keys without a row that holds.
        changed: What `compute` returned: the population then goes on without the pending ones.
            None when nothing was to be computed; the walk then ends here.
    """
    computed = changed is not None
    status = stage.table.status()
    bad = status.filter(pc.equal(status["status"], "failed")).to_pylist()
    members = {population.key_of(clip): clip for clip in population.clips}
    failures = {row["key"]: row for row in bad if row["key"] in members}
    out = {*failures, *pending} if computed else failures.keys()
    left = tuple(clip for key, clip in members.items() if key not in out)
    reasons = {key: _reason(row) for key, row in failures.items()}
    if changed is not None:
        texts = {key: changed.get(key) for key in pending}
        reasons |= {
            key: (POSTPONED, f"{CHANGED}: {text}" if text else AGAIN) for key, text in texts.items()
        }
    after = replace(population, clips=left)
    dropped = 0
    if not population.probed and (computed or not pending):
        after, copies = _with_frames(stage, after)
        reasons |= copies
        dropped = len(copies)
    verdicts = _verdicts(population, members, reasons)
    report = StepReport(
        title=stage.step.title,
        kind="annotate",
        unit=population.unit,
        entering=len(population.clips),
        leaving=len(after.clips) - (0 if computed else len(pending)),
        dropped=dropped,
        failed=sum(state == "failed" for state, _ in reasons.values()),
        postponed=sum(state == POSTPONED for state, _ in reasons.values()),
        pending=0 if computed else len(pending),
        fingerprint=stage.fingerprint,
        backend=stage.step.backend,
        verdicts=verdicts,
    )
    return after, report


def _reason(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return state and reason of a failed row."""
    kind = Kind.parse(row["error_kind"]).name
    return POSTPONED if is_machine(kind) else "failed", f"{kind}: {row['error']}"


def _verdicts(
    population: Population,
    members: Mapping[str, Clip],
    reasons: Mapping[str, tuple[str, str]],
) -> pa.Table:
    """Return the verdicts on members that do not go on, by their key: state and reason."""
    rows = [
        {
            "key": key if population.probed else population.videos[key].video_id,
            "level": "clip" if population.probed else "video",
            "clip_id": key if population.probed else None,
            "video_id": population.videos[members[key].video_id].video_id,
            "state": state,
            "rule": rule,
        }
        for key, (state, rule) in reasons.items()
    ]
    return verdict_table(sorted(rows, key=lambda row: str(row["key"])))


def _with_frames(
    stage: Stage, population: Population
) -> tuple[Population, dict[str, tuple[str, str]]]:
    """Replace each file by the clip of all frames of the video that its content is.

    Returns:
        Population without files whose content an earlier one has; state and reason of those.
    """
    counts = stage.table.columns(["num_frames", "content"])
    frames = dict(zip(counts["key"].to_pylist(), counts["num_frames"].to_pylist(), strict=True))
    alive = {clip.video_id for clip in population.clips}
    found = identify(population.videos, contents_in(counts))
    named = dict(zip(population.videos, found.videos, strict=True))
    files = {
        video.video_id: key
        for key, video in named.items()
        if key in alive and key not in found.copies
    }
    clips = tuple(Clip(video_id, 0, frames[key]) for video_id, key in files.items())
    copies = {
        key: ("dropped", _same_content(population.videos[key], found.copies[key]))
        for key in found.copies
        if key in alive
    }
    videos = {video.video_id: video for video in found.videos}
    return replace(population, videos=videos, files=files, clips=clips, probed=True), copies


def _same_content(copy: Video, first: Video) -> str:
    other = copy.text and text_id_for(copy.text) != text_id_for(first.text)
    return f"same content as {first.relative_path}" + (
        "; its own caption, another one, is not used" if other else ""
    )
