"""The log of a run, in its workspace: `logs/run-TIME-PROCESS.log`."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from clipmill.cli.output.console import name
from clipmill.cli.output.logs import FOLDER, SHOWN, open_log
from clipmill.cli.output.progress import make_progress, summary_of
from clipmill.cli.output.verbosity import is_quiet
from clipmill.pipeline.inputs.changes import Changes
from clipmill.pipeline.run import Observer
from clipmill.pipeline.verdicts import StepReport
from clipmill.sources.accounting.account import Account
from clipmill.sources.describe import describe_account
from clipmill.store.annotations import Outcome
from clipmill.store.workspace import Workspace

_log = logging.getLogger("clipmill.run")
_shown = logging.getLogger(SHOWN)


class RunLog(Observer):
    """Logs how a run goes on, and passes it on to whoever shows it.

    The file is opened when the run has the lock of the workspace and has refused nothing: a run
    that is refused leaves the workspace as it was.

    Args:
        workspace: A remote one has no log.
        shown: Told of everything as well.

    Attributes:
        path: The file; None before it is opened, and where there is none.
    """

    def __init__(self, workspace: Workspace, shown: Observer) -> None:
        self._workspace, self._shown = workspace, shown
        self._done = self._pending = 0
        self.path: Path | None = None

    def listed(self, account: Account) -> None:
        """Open the file; log what the sources gave."""
        folder = self._workspace.local_path(FOLDER)
        self.path = open_log(folder) if folder else None
        for line in describe_account(account):
            _shown.info("%s", line)
        self._shown.listed(account)

    def inputs_changed(self, changes: Changes) -> None:
        """Log what became of the inputs."""
        _shown.info("%s", changes)
        self._shown.inputs_changed(changes)

    def stage_begins(self, title: str, *, total: int, pending: int) -> None:
        """Log what there is to do."""
        self._done, self._pending = 0, pending
        _log.info("%s begins: %d reached it, %d to compute", title, total, pending)
        self._shown.stage_begins(title, total=total, pending=pending)

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        """Log failures, and that rows are on disk."""
        self._done += len(outcomes)
        for outcome in outcomes:
            if outcome.record is None:
                _log.info("%s failed: %s: %s", outcome.key, outcome.error_kind, outcome.error)
            else:
                _log.debug("%s done in %.2f s", outcome.key, outcome.seconds)
        _log.debug("committed %d rows, %d of %d", len(outcomes), self._done, self._pending)
        self._shown.committed(outcomes)

    def step_done(self, report: StepReport) -> None:
        """Log what the step did."""
        table = f" [{report.fingerprint}]" if report.fingerprint else ""
        _shown.info("%s%s: %s", report.title, table, summary_of(report))
        self._shown.step_done(report)


@contextmanager
def logged(workspace: Workspace, console: Console, steps: int) -> Iterator[RunLog]:
    """Show and log what happens in the block, and say at its end where the log is.

    Args:
        workspace: Where the run is.
        console: Of stderr.
        steps: Steps of the run, the listing of sources counted as one.
    """
    with make_progress(console, steps) as progress:
        log = RunLog(workspace, progress)
        try:
            yield log
            _log.info("done")
        except BaseException as error:
            _log.info("stopped: %s: %s", type(error).__name__, error)
            _log.debug("where it stopped", exc_info=True)
            raise
        finally:
            if log.path and not is_quiet():
                console.print(f"log: {name(str(log.path))}", highlight=False, soft_wrap=True)
