"""Annotation steps: find what is missing, have it computed, drop what failed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import Columns, columns_of
from clipmill.annotations.registry import available, find_backend
from clipmill.config import AnnotateStep
from clipmill.failures import Kind, is_machine
from clipmill.pipeline.context import PROBE, Context, Stage, fingerprint_of
from clipmill.pipeline.population import Flags, Population
from clipmill.pipeline.steps.base import Applied, Problems, Step, Work
from clipmill.pipeline.steps.check_backend import check_backend
from clipmill.pipeline.steps.compute import CHANGED
from clipmill.pipeline.steps.pending import pending_keys
from clipmill.pipeline.verdicts import POSTPONED, StepReport, Verdicts, count_of, verdict_columns

AGAIN = (
    f"{CHANGED}: its row was made with another caption text and could not be made again; run again"
)


@dataclass(frozen=True)
class Reasons:
    """Why members do not go on.

    Attributes:
        rows: int32 [n]: rows in the population.
        states: string [n].
        rules: string [n].
    """

    rows: pa.Array
    states: pa.Array
    rules: pa.Array

    @classmethod
    def none(cls) -> "Reasons":
        """Return that of no member."""
        texts = pa.array([], pa.string())
        return cls(pa.array([], pa.int32()), texts, texts)


class Annotate(Step[AnnotateStep]):
    """Computes a row for every clip that is still in; those whose row failed go no further."""

    reads: ClassVar[tuple[str, ...]] = (PROBE,)

    def check(self, known: Mapping[str, Columns]) -> Problems:
        """See that files are probed, and that the backend fits its settings."""
        return {**super().check(known), **check_backend(self.settings)}

    def columns(self) -> Mapping[str, Columns]:
        """Return the columns of the rows; unknown ones of a backend of one's own."""
        name, backend = self.settings.annotate, self.settings.backend
        if backend not in available(name):
            return {name: Columns()}
        return {name: columns_of(find_backend(name, backend).Row)}

    def stage(self, context: Context) -> Stage:
        """Return the annotation."""
        return context.stages[self.settings.annotate]

    def fingerprint(self, context: Context, before: str) -> str:
        """Return the hash of the steps up to this one, that of its table included."""
        own = self.stage(context).fingerprint
        return fingerprint_of(super().fingerprint(context, before), own)

    def apply(
        self, context: Context, population: Population, work: Work, *, fingerprint: str
    ) -> Iterator[Applied]:
        """Compute what is pending where that is wanted, and take out what failed."""
        stage = self.stage(context)
        pending = pending_keys(stage, context, population, retry=work.retry)
        changed = None
        if work.execute is not None:
            changed = work.execute(stage, population, pending)
            # Left are those whose file changed meanwhile.
            pending = pending_keys(stage, context, population) if len(pending) else pending
        yield self._settle(stage, population, pending=pending, changed=changed)

    def _settle(
        self,
        stage: Stage,
        population: Population,
        *,
        pending: pa.Array,
        changed: Mapping[str, str] | None,
    ) -> Applied:
        """Take the failed clips out of the population.

        Args:
            stage: The annotation.
            population: What reached it.
            pending: Keys without a row that holds.
            changed: What `compute` returned: the population then goes on without the pending ones.
                None when nothing was to be computed; the walk then ends here.
        """
        computed = changed is not None
        reasons = [_failures(stage, population, pending if computed else pending.slice(0, 0))]
        if changed is not None:
            reasons.append(_postponed(population, pending, changed))
        out = pa.concat_arrays([some.rows for some in reasons])
        left = np.ones(len(population.clips), bool)
        left[out.to_numpy()] = False
        after = population.keep(left)
        if computed or not len(pending):
            after, unneeded = self._finish(stage, population, left)
            reasons.append(unneeded)
        decided = _verdicts(population, reasons)
        states = decided.table["state"]
        report = StepReport(
            title=stage.step.title,
            kind="annotate",
            unit=population.unit,
            entering=len(population.clips),
            leaving=len(after.clips) - (0 if computed else len(pending)),
            dropped=count_of(states, "dropped"),
            failed=count_of(states, "failed"),
            postponed=count_of(states, POSTPONED),
            pending=0 if computed else len(pending),
            fingerprint=stage.fingerprint,
            backend=stage.step.backend,
            decided=decided,
        )
        return after, report

    def _finish(
        self, stage: Stage, population: Population, left: Flags
    ) -> tuple[Population, Reasons]:
        """Return what the population is once all its rows are there, and who is dropped.

        Args:
            stage: The annotation.
            population: What reached it.
            left: bool [n]: those whose row is ok.
        """
        return population.keep(left), Reasons.none()


def _failures(stage: Stage, population: Population, but: pa.Array) -> Reasons:
    """Return those whose row failed, without some keys."""
    status = stage.table.status()
    bad = status.filter(pc.equal(status["status"], "failed"))
    if not bad.num_rows:
        return Reasons.none()
    bad = bad.filter(pc.invert(pc.is_in(bad["key"], value_set=but)))
    rows = pc.index_in(bad["key"].combine_chunks(), value_set=population.keys)
    bad, rows = bad.filter(pc.is_valid(rows)), rows.drop_null()
    kinds = bad["error_kind"].combine_chunks().dictionary_encode()
    names = [Kind.parse(kind).name for kind in kinds.dictionary.to_pylist()]
    states = [POSTPONED if is_machine(name) else "failed" for name in names]
    told = pa.array(names, pa.string()).take(kinds.indices)
    return Reasons(
        rows,
        pa.array(states, pa.string()).take(kinds.indices),
        pc.binary_join_element_wise(told, bad["error"].combine_chunks(), ": "),
    )


def _postponed(population: Population, pending: pa.Array, changed: Mapping[str, str]) -> Reasons:
    """Return those without a row that holds: their file is another one, or was not to be read."""
    keys = pending.to_pylist()
    texts = [changed.get(key) for key in keys]
    rules = [f"{CHANGED}: {text}" if text else AGAIN for text in texts]
    return Reasons(
        pc.index_in(pending, value_set=population.keys),
        pa.array([POSTPONED] * len(keys), pa.string()),
        pa.array(rules, pa.string()),
    )


def _verdicts(population: Population, reasons: Sequence[Reasons]) -> Verdicts:
    """Return the verdicts on members that do not go on, by their key."""
    rows = pa.concat_arrays([some.rows for some in reasons])
    videos = population.video_ids.take(rows)
    keys = population.keys.take(rows) if population.probed else videos
    order = pc.sort_indices(keys)
    columns = {
        "key": keys,
        "clip_id": keys if population.probed else pa.nulls(len(keys), pa.string()),
        "video_id": videos,
        "state": pa.concat_arrays([some.states for some in reasons]),
        "rule": pa.concat_arrays([some.rules for some in reasons]),
    }
    return verdict_columns(
        len(keys),
        level="clip" if population.probed else "video",
        **{name: values.take(order) for name, values in columns.items()},
    )
