"""What a run has to do, counted and estimated without doing any of it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import Population
from clipmill.pipeline.steps.base import Step, Work
from clipmill.pipeline.steps.pending import pending_keys
from clipmill.pipeline.steps.registry import make_step
from clipmill.store.parts import OK
from clipmill.store.workspace import Workspace


@dataclass(frozen=True)
class Cost:
    """What clips of an annotation took.

    Attributes:
        seconds: Mean of a clip, of one worker.
        rows: Clips measured.
        same: Whether with the settings of this run; else with other ones of the same backend.
    """

    seconds: float
    rows: int
    same: bool


@dataclass(frozen=True)
class StepForecast:
    """What one step of a run has to do.

    Attributes:
        title: Name of the step.
        backend: Of an annotation; empty otherwise.
        unit: What enters: `videos` or `clips`.
        entering: Videos or clips that reach it.
        pending: Those that an annotation has to compute.
        exact: Whether these are counts. Behind a step with pending work they are estimates.
        cost: What a clip took so far; None where none was measured, and of other steps.
    """

    title: str
    backend: str
    unit: str
    entering: int
    pending: int
    exact: bool
    cost: Cost | None = None

    def seconds(self, workers: int) -> float | None:
        """Return the time of the pending work; None where no clip was measured."""
        if not self.pending:
            return 0.0
        return None if self.cost is None else self.pending * self.cost.seconds / max(workers, 1)


@dataclass(frozen=True)
class _Flow:
    """Who reaches a step.

    Attributes:
        known: Clips about which everything before is on disk.
        awaited: Estimated number of the others.
    """

    known: Population
    awaited: float = 0.0

    @property
    def entering(self) -> int:
        return len(self.known.clips) + round(self.awaited)

    def without(self, pending: pa.Array) -> "_Flow":
        """Return the flow with those awaited whose row is not there."""
        missing = np.asarray(pc.is_in(self.known.keys, value_set=pending))
        return _Flow(self.known.keep(~missing), self.awaited + len(pending))

    def after(self, step: Step[Any], context: Context, shares: Mapping[str, float]) -> "_Flow":
        """Return who goes on behind a step: of the known ones, and as large a share of the others.

        What an annotation loses by failures is not expected of the others.
        """
        flow = self
        for known, report in step.apply(context, self.known, Work(), fingerprint=""):
            share = shares.get(report.title, 1.0)
            if report.entering:
                share = report.leaving / report.entering
            if report.kind == "annotate":
                share = 1.0
            flow = _Flow(known, flow.awaited * share)
        return flow


def forecast(
    context: Context,
    listing: VideoList,
    *,
    shares: Mapping[str, float],
    retry: Collection[str] = (),
    until: str = "",
) -> Iterator[StepForecast]:
    """Yield what every step has to do. Nothing is computed or written.

    Args:
        context: Workspace and pipeline.
        listing: Videos of the run.
        shares: By title, what share of the clips goes on behind a step, where that is not known
            of any clip yet; all of them where it is not in here either.
        retry: Kinds of failures that are computed again.
        until: Last step.
    """
    flow = _Flow(listing.population())
    for settings in context.pipeline.steps:
        step = make_step(settings)
        entering, exact, unit = flow.entering, not flow.awaited, flow.known.unit
        if stage := step.stage(context):
            pending = pending_keys(stage, context, flow.known, retry=retry)
            flow = flow.without(pending)
            todo = round(flow.awaited)
            cost = measured(context.workspace, stage) if todo else None
            yield StepForecast(
                settings.title, stage.step.backend, unit, entering, todo, exact, cost
            )
        else:
            yield StepForecast(settings.title, "", unit, entering, 0, exact)
        flow = flow.after(step, context, shares)
        if until and until in step.names:
            return


def measured(workspace: Workspace, stage: Stage) -> Cost | None:
    """Return what clips of an annotation took in a workspace; None where none is there."""
    if cost := _mean(stage.table.status(), same=True):
        return cost
    name, backend = stage.step.annotate, stage.backend
    key = stage.table.key
    for fingerprint in workspace.names(f"annotations/{name}"):
        table = workspace.annotation(name, fingerprint, backend.Row, key=key)
        manifest = table.read_manifest() or {}
        mine = manifest.get("backend") == stage.step.backend
        if mine and (cost := _mean(table.status(), same=False)):
            return cost
    return None


def _mean(status: pa.Table, *, same: bool) -> Cost | None:
    seconds = status.filter(pc.equal(status["status"], OK))["seconds"]
    mean = pc.mean(seconds).as_py()
    return None if mean is None else Cost(mean, len(seconds), same)
