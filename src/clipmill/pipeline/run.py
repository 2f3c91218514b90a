"""A run: list the sources, compute what is pending, evaluate the steps, write the outcome."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.config import Pipeline
from clipmill.engine.base import Engine
from clipmill.engine.rates import StageRates
from clipmill.errors import UsageError
from clipmill.failures import RETRIED_KINDS, check_kinds
from clipmill.pipeline.context import PROBE, Context, Stage
from clipmill.pipeline.inputs.account import refuse_empty, save_account
from clipmill.pipeline.inputs.changes import (
    Changes,
    changes_between,
    check_still_there,
    count_by_source,
)
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import Population
from clipmill.pipeline.ready import check_ready, check_work
from clipmill.pipeline.recorded.last_run import identified, keep_copies, last_inputs, note_pipeline
from clipmill.pipeline.recorded.rates import note_rates
from clipmill.pipeline.recorded.remembered import forget, recall, remember
from clipmill.pipeline.steps.compute import compute
from clipmill.pipeline.steps.registry import make_step
from clipmill.pipeline.steps.same_failure import StageStopped
from clipmill.pipeline.verdicts import POSTPONED, StepReport, kinds_of
from clipmill.pipeline.walk import walk
from clipmill.sources import Account, list_sources
from clipmill.store.annotations import Outcome
from clipmill.store.workspace import Workspace


class Observer:
    """Told how a run goes on; the base class ignores everything."""

    def listed(self, account: Account) -> None:
        """The sources have been listed; nothing is computed yet."""

    def inputs_changed(self, changes: Changes) -> None:
        """The inputs are not those of the last run; told once their contents are known."""

    def stage_begins(self, title: str, *, total: int, pending: int) -> None:
        """An annotation begins: `total` clips reached it, `pending` have no row yet."""

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        """Rows were committed."""

    def step_done(self, report: StepReport) -> None:
        """A step has been evaluated."""


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes:
        reports: One per step.
        computed: Rows computed in this run, by annotation.
        peak_rss: Largest resident set of any worker, bytes.
        rates: How fast the steps went that had something to compute, by title.
        changes: What became of the inputs since the last run.
        account: What the sources gave.
    """

    reports: tuple[StepReport, ...]
    computed: dict[str, int] = field(default_factory=dict)
    peak_rss: int = 0
    rates: dict[str, StageRates] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)
    account: Account = field(default_factory=Account)

    @property
    def failed(self) -> int:
        """Videos and clips that failed anywhere."""
        return sum(report.failed for report in self.reports)

    @property
    def failed_kinds(self) -> dict[str, int]:
        """How many failed in each kind, most first."""
        return kinds_of(self.reports, "failed")

    @property
    def postponed(self) -> int:
        """Videos and clips that the machine could not do."""
        return sum(report.postponed for report in self.reports)

    @property
    def postponed_kinds(self) -> dict[str, int]:
        """How many were postponed by each kind of failure of the machine, most first."""
        return kinds_of(self.reports, POSTPONED)

    @property
    def samples(self) -> int:
        """Samples written."""
        return self.reports[-1].samples if self.reports else 0

    @property
    def stage2_samples(self) -> int:
        """Samples ready for stage 2."""
        return self.reports[-1].stage2_samples if self.reports else 0


def run_pipeline(
    pipeline: Pipeline,
    workspace: Workspace,
    *,
    engine: Engine,
    until: str = "",
    retry_failed: Collection[str] = (),
    keep_going: bool = False,
    allow_fewer: bool = False,
    observer: Observer | None = None,
) -> RunSummary:
    """Run a pipeline on a workspace, from wherever an earlier run ended.

    Args:
        pipeline: With its sources.
        workspace: Locked for the time of the run.
        engine: Places the work.
        until: Last step to do.
        retry_failed: Kinds of the clips' own failures to compute again as well.
        keep_going: Go on although the first clips of a step all fail in the same way.
        allow_fewer: Go on although a source holds far fewer videos than in the last run, and
            replace samples although there is none left.
        observer: Told of progress.

    Raises:
        UsageError: Anything wrong that can be known before the first clip; nothing was done.
        StageStopped: Clips fail in a way that is no fault of theirs; what was finished is kept.
        KeyboardInterrupt: After everything finished was committed.
    """
    observer = observer or Observer()
    findings = check_ready(pipeline, workspace.root, until=until, gpus=not engine.elsewhere)
    check_asked(pipeline, until)
    context = Context(workspace, pipeline)
    retry = RETRIED_KINDS | check_kinds(retry_failed)
    computed: dict[str, int] = {}
    rates: dict[str, StageRates] = {}

    def execute(stage: Stage, population: Population, pending: pa.Array) -> dict[str, str]:
        observer.stage_begins(stage.step.title, total=len(population.clips), pending=len(pending))
        computed[stage.step.annotate] = len(pending)
        changed = compute(
            stage,
            context,
            population,
            engine=engine,
            pending=pending,
            on_commit=observer.committed,
            keep_going=keep_going,
        )
        if len(pending) and engine.rates.clips:
            rates[stage.step.title] = engine.rates
            note_rates(workspace, stage, engine.rates)
        return changed

    with workspace.lock():
        found = list_sources(pipeline.sources)
        inputs = _Inputs(context, VideoList.of(found))
        if not allow_fewer:
            refuse_empty(found)
            inputs.check()
        check_work(findings, context, inputs.listing, retry=retry, until=until)
        workspace.clean_temporaries()
        observer.listed(found.account)
        note_pipeline(context)
        save_account(found.account, workspace)
        inputs.save()
        keep_copies(workspace)
        changes = Changes()
        reports = []
        ends: list[Population] = []
        known = None if until else _nothing_to_do(context, retry, observer, computed)
        if known is None:
            forget(workspace)
        for report in known or walk(
            context,
            inputs.listing,
            execute=execute,
            retry=retry,
            until=until,
            allow_fewer=allow_fewer,
            on_end=ends.append,
        ):
            if report.title == PROBE:
                if computed.get(PROBE):
                    inputs.identify()
                    inputs.save()
                    keep_copies(workspace)
                if changes := inputs.changes():
                    observer.inputs_changed(changes)
            observer.step_done(report)
            reports.append(report)
            _check_left(report)
        if known is None and not until:
            remember(context, inputs.listing, reports, ends[-1])
    return RunSummary(tuple(reports), computed, engine.peak_rss, rates, changes, found.account)


def _nothing_to_do(
    context: Context, retry: Collection[str], observer: Observer, computed: dict[str, int]
) -> Iterator[StepReport] | None:
    """Return what the last run gave, where this one would do and give the same; else None.

    Args:
        context: Of this run.
        retry: Kinds of failures to compute again.
        observer: Told of the annotations as if they were begun.
        computed: Takes the number of rows computed by each, none.
    """
    known = recall(context.workspace)
    if known is None or not kinds_of(known, "failed", POSTPONED).keys().isdisjoint(retry):
        return None
    stages = {stage.step.title: stage for stage in context.stages.values()}

    def told() -> Iterator[StepReport]:
        for report in known:
            if report.kind == "annotate":
                observer.stage_begins(report.title, total=report.entering, pending=0)
                computed[stages[report.title].step.annotate] = 0
            yield report

    return told()


class _Inputs:
    """The videos of a run beside those of the last one.

    Attributes:
        listing: Videos as listed, named by their content as far as it is known.
    """

    def __init__(self, context: Context, listing: VideoList) -> None:
        self._context = context
        self._before, self._sources = last_inputs(context.workspace)
        # What could be read from its copy only is written again.
        self._saved = None if context.workspace.damages else self._before
        self.listing = identified(listing, context)

    def check(self) -> None:
        """Refuse sources that have shrunk; see `check_still_there`."""
        had: dict[str, int] = {}
        if self._before is not None:
            listed = self._before.filter(pc.is_null(self._before["state"]))
            had = count_by_source(listed["source"], self._sources)
        check_still_there(had, self.listing, sources=self._context.pipeline.sources)

    def identify(self) -> None:
        """Name the videos by what `probe` has found by now."""
        self.listing = identified(self.listing, self._context)

    def save(self) -> None:
        """Write the list, where it says something new."""
        self._saved = self.listing.save(self._context.workspace, before=self._saved)

    def changes(self) -> Changes:
        """Return what became of the videos since the last run."""
        if self._before is None or self._before.equals(self._saved):
            return Changes()
        return changes_between(VideoList.from_rows(self._before), self.listing)


def _check_left(report: StepReport) -> None:
    """Stop where the machine has left nothing to go on with: samples would be replaced by none."""
    if report.leaving or not report.postponed:
        return
    kinds = ", ".join(f"{kind} {count}" for kind, count in kinds_of([report], POSTPONED).items())
    raise StageStopped(
        f"{report.title}: no {report.unit} are left, as the machine could not do "
        f"{report.postponed} of them ({kinds}). `clipmill failed` lists them and what to do; the "
        "same command tries them again"
    )


def check_asked(pipeline: Pipeline, until: str) -> None:
    """Refuse a last step that the pipeline does not have, and a run over no videos.

    Raises:
        UsageError: With what there is, or what to give.
    """
    names = {name for step in pipeline.steps for name in make_step(step).names}
    if until and until not in names:
        raise UsageError(f"--until {until}: no such step; there are: {', '.join(sorted(names))}")
    if not pipeline.sources:
        raise UsageError("no videos to run on: give --input, or `sources` in the pipeline file")
