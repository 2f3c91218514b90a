"""Progress of fetching weights: a live bar per file on a terminal, plain lines anywhere else."""

import time

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import TaskID

from clipmill.cli.output.console import make_console, say
from clipmill.cli.output.progress import byte_progress
from clipmill.cli.output.tables import is_live
from clipmill.cli.output.verbosity import is_quiet
from clipmill.disk.sizes import size_text
from clipmill.net.progress import Progress


def make_pull_progress() -> "PullBars | PullLines":
    """Return bars for a terminal, lines otherwise; both on stderr, and none with `-q`."""
    if is_quiet():
        return PullNothing()
    console = make_console(stderr=True)
    return PullBars(console) if is_live(console) else PullLines()


class PullBars(Progress):
    """A live bar per file: bytes, rate, time left.

    Args:
        console: A terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: RichProgress | None = None
        self._task = TaskID(0)
        self._total: int | None = None
        self._fresh = True

    def start(self, what: str, total: int | None) -> None:
        """Show a new bar."""
        if self._progress is None:
            self._progress = byte_progress(self._console)
            self._progress.start()
        self._task = self._progress.add_task(what, total=total)
        self._total, self._fresh = total, True

    def at(self, done: int) -> None:
        """Move the bar."""
        if self._progress and self._fresh:
            # What an earlier pull left must not count into the rate.
            self._progress.reset(self._task, total=self._total, completed=done)
            self._fresh = False
        elif self._progress:
            self._progress.update(self._task, completed=done)

    def finish(self) -> None:
        """Leave the full bar."""
        if self._progress:
            task = self._progress.tasks[-1]
            self._progress.update(self._task, total=task.total or task.completed)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Stop drawing."""
        if self._progress:
            self._progress.stop()
            self._progress = None


class PullLines(Progress):
    """Plain lines for logs: one per tenth of a file."""

    def __init__(self) -> None:
        self._what = ""
        self._total: int | None = None
        self._tenths = 0
        self._first: tuple[float, int] | None = None

    def start(self, what: str, total: int | None) -> None:
        """Print what begins."""
        self._what, self._total, self._first = what, total, None
        size = size_text(total) if total else "size unknown"
        say(f"{what}: {size}", err=True)

    def at(self, done: int) -> None:
        """Print a line when another tenth is there."""
        now = time.monotonic()
        tenths = 10 * done // self._total if self._total else 0
        if self._first is None:
            # What an earlier pull left must not count into the rate.
            self._first, self._tenths = (now, done), tenths
        if not self._total or tenths <= self._tenths:
            return
        self._tenths = tenths
        seconds = now - self._first[0]
        rate = (done - self._first[1]) / seconds if seconds > 0 else 0.0
        left = f", {(self._total - done) / rate:.0f} s left" if rate > 0 else ""
        say(
            f"{self._what}: {done / self._total:.0%}, {size_text(done)}, "
            f"{size_text(int(rate))}/s{left}",
            err=True,
        )

    def finish(self) -> None:
        """Print that it is verified."""
        say(f"{self._what}: verified", err=True)

    def note(self, text: str) -> None:
        """Print a line."""
        say(text, err=True)

    def close(self) -> None:
        """Nothing is open."""


class PullNothing(PullLines):
    """Silence but for what is worth a line, such as a licence."""

    def start(self, what: str, total: int | None) -> None:
        """Say nothing."""

    def at(self, done: int) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""
