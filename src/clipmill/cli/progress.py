"""Progress of a run: live bars on a terminal, plain lines anywhere else."""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from clipmill.cli.account import show_account
from clipmill.cli.tables import is_live
from clipmill.pipeline.inputs.changes import Changes
from clipmill.pipeline.run import Observer
from clipmill.pipeline.verdicts import StepReport
from clipmill.sources.account import Account
from clipmill.store.annotations import Outcome

LINE_SECONDS = 10.0
"""Without a terminal, at most one progress line in this time."""


def summary_of(report: StepReport) -> str:
    """Return what a step did, in a few words."""
    parts = [f"{report.entering} {report.unit} in", f"{report.leaving} on"]
    if report.dropped:
        parts.append(f"{report.dropped} dropped")
    if report.objects_dropped:
        parts.append(f"{report.objects_dropped} objects dropped")
    if report.failed:
        parts.append(f"{report.failed} failed")
    if report.postponed:
        parts.append(f"{report.postponed} postponed")
    if report.pending:
        parts.append(f"{report.pending} pending")
    if report.kind == "samples":
        parts.append(f"{report.samples} samples, {report.stage2_samples} for stage 2")
    guarded = [cut for cut in report.cuts if cut.guarded]
    if guarded:
        parts.append("percentiles off: population below min_population")
    return ", ".join(parts)


class PlainProgress(Observer):
    """Lines for logs.

    Args:
        console: Where they go.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._title = ""
        self._pending = self._done = self._failed = 0
        self._began = self._said = 0.0

    def __enter__(self) -> "PlainProgress":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def listed(self, account: Account) -> None:
        """Say what the sources gave."""
        show_account(account, self.console)

    def inputs_changed(self, changes: Changes) -> None:
        """Say what became of the inputs."""
        self.console.print(str(changes), highlight=False, soft_wrap=True)

    def stage_begins(self, title: str, *, total: int, pending: int) -> None:
        """Remember the stage."""
        self._title, self._pending = title, pending
        self._done = self._failed = 0
        self._began = self._said = time.monotonic()

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        """Say how far the stage is, now and then."""
        self._done += len(outcomes)
        self._failed += sum(outcome.record is None for outcome in outcomes)
        now = time.monotonic()
        if now - self._said < LINE_SECONDS:
            return
        self._said = now
        rate = self._done / max(now - self._began, 1e-9)
        left = (self._pending - self._done) / max(rate, 1e-9)
        self.console.print(
            f"{self._title}: {self._done}/{self._pending}, {rate:.2f}/s, "
            f"{self._failed} failed, {left:.0f} s left",
            highlight=False,
            soft_wrap=True,
        )

    def step_done(self, report: StepReport) -> None:
        """Say what the step did."""
        self.console.print(f"{report.title}: {summary_of(report)}", highlight=False, soft_wrap=True)


class _Rate(ProgressColumn):
    """Clips per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed else "", style="cyan")


class LiveProgress(Observer):
    """A bar per annotation, and a line per finished step.

    Args:
        console: A terminal.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._progress = Progress(
            TextColumn("{task.description:>18}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("[red]{task.fields[failed]}"),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None
        self._failed = 0

    def __enter__(self) -> "LiveProgress":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def listed(self, account: Account) -> None:
        """Say what the sources gave."""
        show_account(account, self.console)

    def inputs_changed(self, changes: Changes) -> None:
        """Say what became of the inputs."""
        self.console.print(str(changes), highlight=False, soft_wrap=True)

    def stage_begins(self, title: str, *, total: int, pending: int) -> None:
        """Open a bar."""
        self._failed = 0
        self._task = self._progress.add_task(
            title, total=total, completed=total - pending, failed=""
        )

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        """Move the bar."""
        assert self._task is not None
        self._failed += sum(outcome.record is None for outcome in outcomes)
        note = f"{self._failed} failed" if self._failed else ""
        self._progress.update(self._task, advance=len(outcomes), failed=note)

    def step_done(self, report: StepReport) -> None:
        """Close the bar and say what the step did."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        self.console.print(
            f"[bold]{report.title:>18}[/]  {summary_of(report)}", highlight=False, soft_wrap=True
        )


def byte_progress(console: Console) -> Progress:
    """Return bars for downloads: bytes, rate, time left."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def make_progress(console: Console) -> LiveProgress | PlainProgress:
    """Return bars for a terminal, lines otherwise."""
    return LiveProgress(console) if is_live(console) else PlainProgress(console)
