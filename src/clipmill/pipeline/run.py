"""A run: list the sources, compute what is pending, evaluate the steps, write the outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from clipmill.config import Pipeline
from clipmill.errors import UsageError
from clipmill.pipeline.account import refuse_empty, save_account
from clipmill.pipeline.annotating import Engine, compute
from clipmill.pipeline.check import check_pipeline
from clipmill.pipeline.context import Context, Stage
from clipmill.pipeline.last import keep_copies, note_pipeline
from clipmill.pipeline.population import Population
from clipmill.pipeline.report import StepReport
from clipmill.pipeline.videos import VideoList
from clipmill.pipeline.walk import step_names, walk
from clipmill.sources import Account, list_sources
from clipmill.store.annotations import Outcome
from clipmill.store.workspace import Workspace


class Observer:
    """Told how a run goes on; the base class ignores everything."""

    def listed(self, account: Account) -> None:
        """The sources have been listed; nothing is computed yet."""

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
        account: What the sources gave.
    """

    reports: tuple[StepReport, ...]
    computed: dict[str, int] = field(default_factory=dict)
    peak_rss: int = 0
    account: Account = field(default_factory=Account)

    @property
    def failed(self) -> int:
        """Videos and clips that failed anywhere."""
        return sum(report.failed for report in self.reports)

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
    retry_failed: bool = False,
    observer: Observer | None = None,
) -> RunSummary:
    """Run a pipeline on a workspace, from wherever an earlier run ended.

    Args:
        pipeline: With its sources.
        workspace: Locked for the time of the run.
        engine: Places the work.
        until: Last step to do.
        retry_failed: Compute failed rows again.
        observer: Told of progress.

    Raises:
        UsageError: Anything wrong that can be known before the first clip; nothing was done.
        KeyboardInterrupt: After everything finished was committed.
    """
    observer = observer or Observer()
    check_pipeline(pipeline)
    _check_until(pipeline, until)
    if not pipeline.sources:
        raise UsageError("no videos to run on: give --input, or `sources` in the pipeline file")
    context = Context(workspace, pipeline)
    computed: dict[str, int] = {}

    def execute(stage: Stage, population: Population, pending: list[str]) -> None:
        observer.stage_begins(stage.step.title, total=len(population.clips), pending=len(pending))
        computed[stage.step.annotate] = len(pending)
        compute(
            stage,
            context,
            population,
            engine=engine,
            pending=pending,
            on_commit=observer.committed,
        )

    with workspace.lock():
        workspace.clean_temporaries()
        found = list_sources(pipeline.sources)
        refuse_empty(found)
        observer.listed(found.account)
        note_pipeline(context)
        save_account(found.account, workspace)
        listing = VideoList.of(found)
        listing.save(workspace)
        keep_copies(workspace)
        reports = []
        for report in walk(
            context, listing, execute=execute, retry_failed=retry_failed, until=until
        ):
            observer.step_done(report)
            reports.append(report)
    peak = int(getattr(engine, "peak_rss", 0))
    return RunSummary(tuple(reports), computed, peak, found.account)


def _check_until(pipeline: Pipeline, until: str) -> None:
    if not until:
        return
    names = {name for step in pipeline.steps for name in step_names(step)}
    if until not in names:
        raise UsageError(f"--until {until}: no such step; there are: {', '.join(sorted(names))}")
