"""Annotation steps: find what is missing, have it computed, drop what failed."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import Columns, columns_of
from clipmill.annotations.registry import available, find_backend
from clipmill.clips import Clip
from clipmill.config import AnnotateStep
from clipmill.failures import Kind, is_machine
from clipmill.pipeline.context import PROBE, Context, Stage, fingerprint_of
from clipmill.pipeline.missing import Missing
from clipmill.pipeline.population import Population
from clipmill.pipeline.steps.base import Applied, Problems, Step, Work
from clipmill.pipeline.steps.check_backend import check_backend
from clipmill.pipeline.steps.compute import CHANGED
from clipmill.pipeline.steps.pending import pending_keys
from clipmill.pipeline.verdicts import POSTPONED, StepReport, verdict_table

AGAIN = (
    f"{CHANGED}: its row was made with another caption text and could not be made again; run again"
)

Reasons = dict[str, tuple[str, str]]
"""Why members do not go on, by their key: state and reason."""


class Annotate(Step[AnnotateStep]):
    """Computes a row for every clip that is still in; those whose row failed go no further."""

    reads: ClassVar[tuple[str, ...]] = (PROBE,)

    def check(self, known: Mapping[str, Columns], missing: Missing) -> Problems:
        """See that files are probed, and that the backend fits its settings and this machine."""
        return {**super().check(known, missing), **check_backend(self.settings, missing)}

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
            pending = pending and pending_keys(stage, context, population)
        yield self._settle(stage, population, pending=pending, changed=changed)

    def _settle(
        self,
        stage: Stage,
        population: Population,
        *,
        pending: Collection[str],
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
                key: (POSTPONED, f"{CHANGED}: {text}" if text else AGAIN)
                for key, text in texts.items()
            }
        after, unneeded = replace(population, clips=left), Reasons()
        if computed or not pending:
            after, unneeded = self._finish(stage, after)
            reasons |= unneeded
        verdicts = _verdicts(population, members, reasons)
        report = StepReport(
            title=stage.step.title,
            kind="annotate",
            unit=population.unit,
            entering=len(population.clips),
            leaving=len(after.clips) - (0 if computed else len(pending)),
            dropped=len(unneeded),
            failed=sum(state == "failed" for state, _ in reasons.values()),
            postponed=sum(state == POSTPONED for state, _ in reasons.values()),
            pending=0 if computed else len(pending),
            fingerprint=stage.fingerprint,
            backend=stage.step.backend,
            verdicts=verdicts,
        )
        return after, report

    def _finish(self, stage: Stage, population: Population) -> tuple[Population, Reasons]:
        """Return what the population is once all its rows are there, and who is dropped."""
        return population, Reasons()


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
