"""Progress of a run, on stderr: live bars on a terminal, plain lines anywhere else."""

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

from clipmill.cli.output.account import show_account
from clipmill.cli.output.tables import is_live
from clipmill.cli.output.verbosity import is_quiet
from clipmill.pipeline.inputs.changes import Changes
from clipmill.pipeline.run import Observer
from clipmill.pipeline.verdicts import StepReport
from clipmill.sources.accounting.account import Account
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


def time_text(seconds: float) -> str:
    """Return a span of time in the two units that matter: `48 s`, `3 min 20 s`, `5 h 2 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


class RunProgress(Observer):
    """Says nothing: how a run is watched that is to be quiet, and the base of the others."""

    def __enter__(self) -> "RunProgress":
        return self

    def __exit__(self, *_: object) -> None:
        return None


class _Told(RunProgress):
    """Says what the sources gave.

    Args:
        console: Where it goes.
        steps: Steps of the pipeline, the listing of sources counted as one.
    """

    def __init__(self, console: Console, steps: int) -> None:
        self.console = console
        self.steps = steps
        self.step = 0

    def listed(self, account: Account) -> None:
        """Say what the sources gave."""
        show_account(account, self.console)

    def inputs_changed(self, changes: Changes) -> None:
        """Say what became of the inputs."""
        self.console.print(str(changes), highlight=False, soft_wrap=True)

    def step_done(self, report: StepReport) -> None:
        """Count the step; `times`, of rows that ask for parts of videos, is in no pipeline file."""
        self.step = min(self.step + 1, self.steps)


class PlainProgress(_Told):
    """Lines for logs; see `_Told` for the arguments."""

    def __init__(self, console: Console, steps: int) -> None:
        super().__init__(console, steps)
        self._title = ""
        self._pending = self._done = self._failed = 0
        self._began = self._said = 0.0

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
        left = time_text((self._pending - self._done) / max(rate, 1e-9))
        self.console.print(
            f"{self._title}: {self._done}/{self._pending}, {rate:.2f}/s, "
            f"{self._failed} failed, {left} left; step {self.step + 1} of {self.steps}",
            highlight=False,
            soft_wrap=True,
        )

    def step_done(self, report: StepReport) -> None:
        """Say what the step did."""
        super().step_done(report)
        self.console.print(f"{report.title}: {summary_of(report)}", highlight=False, soft_wrap=True)


class _Rate(ProgressColumn):
    """Clips per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:.1f}/s" if speed and not task.fields["whole"] else "", style="cyan")


class _StepsDone(MofNCompleteColumn):
    """Clips of a step; steps of the run, whole ones."""

    def render(self, task: Task) -> Text:
        if not task.fields["whole"]:
            return super().render(task)
        return Text(f"step {min(int(task.completed) + 1, int(task.total or 1))}/{task.total:.0f}")


class _TimeLeft(TimeRemainingColumn):
    """Time left of a step. Steps take too different times to tell it of the run."""

    def render(self, task: Task) -> Text:
        return Text("") if task.fields["whole"] else super().render(task)


class LiveProgress(_Told):
    """A bar for the run, a bar per annotation, and a line per finished step.

    See `_Told` for the arguments; the console is a terminal.
    """

    def __init__(self, console: Console, steps: int) -> None:
        super().__init__(console, steps)
        self._progress = Progress(
            TextColumn("{task.description:>18}"),
            BarColumn(bar_width=28),
            _StepsDone(),
            _Rate(),
            TimeElapsedColumn(),
            _TimeLeft(),
            TextColumn("[red]{task.fields[failed]}"),
            console=console,
            transient=True,
        )
        self._whole = self._progress.add_task("whole run", total=steps, failed="", whole=True)
        self._task: TaskID | None = None
        self._failed = self._done = self._total = 0

    def __enter__(self) -> "LiveProgress":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def stage_begins(self, title: str, *, total: int, pending: int) -> None:
        """Open a bar."""
        self._failed, self._done, self._total = 0, total - pending, total
        self._task = self._progress.add_task(
            title, total=total, completed=self._done, failed="", whole=False
        )

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        """Move the bars."""
        assert self._task is not None
        self._done += len(outcomes)
        self._failed += sum(outcome.record is None for outcome in outcomes)
        note = f"{self._failed} failed" if self._failed else ""
        self._progress.update(self._task, completed=self._done, failed=note)
        share = min(self._done / max(self._total, 1), 1.0)
        self._progress.update(self._whole, completed=min(self.step + share, self.steps))

    def step_done(self, report: StepReport) -> None:
        """Close the bar and say what the step did."""
        super().step_done(report)
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None
        self._progress.update(self._whole, completed=self.step)
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


def make_progress(console: Console, steps: int) -> RunProgress:
    """Return bars for a terminal, lines otherwise, silence for `-q`.

    Args:
        console: Of stderr.
        steps: See `PlainProgress`.
    """
    if is_quiet():
        return RunProgress()
    return LiveProgress(console, steps) if is_live(console) else PlainProgress(console, steps)
