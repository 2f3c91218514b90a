"""Commands that fetch published datasets: `download openvid`."""

import re
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import TaskID

from clipmill.cli.interrupt import interruptible
from clipmill.cli.options import JsonOption
from clipmill.cli.output.answers import tell_json
from clipmill.cli.output.console import make_console, say
from clipmill.cli.output.progress import byte_progress
from clipmill.cli.output.tables import is_live
from clipmill.cli.output.verbosity import TalkingTyper, is_quiet
from clipmill.disk.sizes import size_text
from clipmill.errors import UsageError
from clipmill.net.progress import Progress

if TYPE_CHECKING:
    from clipmill.download import Report

app = TalkingTyper(
    name="download",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Fetch published video datasets.",
)

_LINE_SECONDS = 10.0
_SHOWN = 5


@app.callback()
def _datasets() -> None:
    """Fetch published video datasets."""


@app.command("openvid")
def openvid(
    to: Annotated[
        Path,
        typer.Option(
            "--to", help="Folder for the videos and their manifest; name it again to go on."
        ),
    ],
    parts: Annotated[
        str,
        typer.Option("--parts", help="Archives: `0-185`, `3` or `0,4,7-9`; all by default."),
    ] = "",
    subset: Annotated[
        str,
        typer.Option(
            "--subset",
            help="Published table: `train` (OpenVid-1M.csv) or `hd` (OpenVidHD.csv, 1080p only).",
        ),
    ] = "train",
    where: Annotated[
        str,
        typer.Option(
            "--where",
            help="Rows of the table, as `column > number` or `column == 'text'`, joined by `and`; "
            "operators `> >= < <= == !=`. Only their videos are fetched.",
        ),
    ] = "",
    revision: Annotated[
        str,
        typer.Option(
            "--revision", help="Commit, tag or branch; by default the one the folder has."
        ),
    ] = "",
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="Requests at once.")] = 4,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Tell what it would cost; reads only the table and directories."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch OpenVid-1M or a choice of it; interrupted at any moment, the same command goes on.

    What it would cost, before anything is fetched:

    `clipmill download openvid --to openvid --where "aesthetic_score > 6" --dry-run`

    The 1080p subset, videos with a moving camera only:

    `clipmill download openvid --to hd --subset hd --where "camera_motion != 'static'"`

    The first ten archives, with everything in them:

    `clipmill download openvid --to openvid --parts 0-9`

    Columns of the table: video, caption, aesthetic_score, motion_score,
    temporal_consistency_score, camera_motion, frame, fps, seconds.

    `HF_ENDPOINT` names a mirror, `HF_TOKEN` an access token, `HF_HUB_DOWNLOAD_TIMEOUT` the
    seconds to wait for a silent server.
    """
    from clipmill.download import Request, download_openvid

    request = Request(
        folder=to,
        parts=parse_parts(parts),
        subset=subset,
        where=where,
        revision=revision,
        jobs=jobs,
        dry_run=dry_run,
    )
    meter = _Meter(make_console(stderr=True))
    try:
        with interruptible():
            report = download_openvid(request, progress=meter)
    finally:
        meter.close()
    if as_json:
        facts = asdict(report)
        facts["choice"]["names"] = len(report.choice.names)
        tell_json("download openvid", facts)
        return
    for line in _lines(report, to, dry_run=dry_run):
        say(line)


def parse_parts(text: str) -> frozenset[int] | None:
    """Return the numbers a list such as `0,4,7-9` names; None for an empty text.

    Raises:
        UsageError: It is no such list.
    """
    numbers: set[int] = set()
    for item in filter(None, re.split(r"[,\s]+", text.strip())):
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", item)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise UsageError(f"--parts: '{item}' is no part; write e.g. 0-185 or 0,4,7-9")
        numbers |= set(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(numbers) or None


def _lines(report: "Report", folder: Path, *, dry_run: bool) -> list[str]:
    whole = max(report.archive_bytes, 1)
    chosen = len(report.choice.names)
    lines = [
        f"commit {report.commit}: {report.archives} archives, {size_text(report.archive_bytes)}",
        f"{'to fetch' if dry_run else 'fetched'}: {report.fetched:,} videos, "
        f"{size_text(report.fetch_bytes)} ({report.fetch_bytes / whole:.1%} of the archives) in "
        f"{report.requests:,} requests, {size_text(report.disk_bytes)} on disk; free: "
        f"{size_text(report.free_bytes)}",
    ]
    if report.whole_archives:
        lines.append(
            f"no byte ranges at the server: {report.whole_archives} archives fetched whole"
            + ("; videos and room are known only then, at most so much" if dry_run else "")
        )
    lines += [
        f"there before: {report.here_before:,}; not chosen: {report.unlisted:,}; "
        f"second copies left out: {report.same:,}",
        f"table: {report.choice.rows:,} rows, {chosen:,} videos chosen, "
        f"{report.choice.repeated:,} repeated, {report.choice.short:,} of wrong length, "
        f"{report.choice.empty:,} without a name",
        f"of the chosen videos {report.listed_here:,} are here, {report.missing:,} are missing",
    ]
    if report.missing and not dry_run:
        names = report.first_missing[:_SHOWN]
        more = f" and {report.missing - len(names):,} more" if report.missing > len(names) else ""
        lines.append(f"missing: {', '.join(names)}{more}, all in {folder / 'missing.txt'}")
    shown = [f"  part {p.part} {p.member!r}: {p.reason}" for p in report.problems[:_SHOWN]]
    if shown:
        where = "" if dry_run else f", all in {folder / 'problems.txt'}"
        lines += [f"problems: {len(report.problems):,}{where}", *shown]
    return lines


class _Meter(Progress):
    """Bytes, rate and time left: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._progress: RichProgress | None = None
        self._task = TaskID(0)
        self._what, self._total = "", 0
        self._first = (0.0, 0)
        self._said = 0.0

    def start(self, what: str, total: int | None) -> None:
        """Begin to count."""
        self.close()
        self._what, self._total = what, total or 0
        self._first = (0.0, 0)
        if is_quiet():
            return
        if is_live(self._console):
            self._progress = byte_progress(self._console)
            self._progress.start()
            self._task = self._progress.add_task(what, total=total)
        else:
            self.note(f"{what}: {size_text(self._total)}")

    def at(self, done: int) -> None:
        """Show how far it is."""
        if self._progress is not None:
            self._progress.update(self._task, completed=done)
            return
        now = time.monotonic()
        with self._lock:
            if not self._first[0]:
                self._first, self._said = (now, done), now
            if now - self._said < _LINE_SECONDS:
                return
            self._said = now
        rate = (done - self._first[1]) / max(now - self._first[0], 1e-9)
        left = (self._total - done) / max(rate, 1.0)
        self.note(
            f"{self._what}: {size_text(done)} of {size_text(self._total)}, "
            f"{size_text(int(rate))}/s, {left:.0f} s left"
        )

    def finish(self) -> None:
        """Leave the full bar."""
        if self._progress is not None:
            # What was known beforehand, such as an archive's directory, did not arrive again.
            self._progress.update(self._task, completed=self._total)
        self.close()

    def note(self, text: str) -> None:
        """Print a line."""
        if is_quiet():
            return
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Stop drawing."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
