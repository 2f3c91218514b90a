"""`clipmill run --dry-run`: what a run would do, and for how long."""

import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from clipmill.cli.options import tell_damages
from clipmill.cli.output.account import show_account
from clipmill.cli.output.answers import tell_json
from clipmill.cli.output.console import make_console, name
from clipmill.cli.output.progress import time_text
from clipmill.cli.output.tables import show_table
from clipmill.cli.output.verbosity import is_quiet
from clipmill.config import Pipeline
from clipmill.engine.choose import choose_engine
from clipmill.errors import ClipmillError
from clipmill.failures import RETRIED_KINDS
from clipmill.pipeline.context import Context
from clipmill.pipeline.forecast import StepForecast, forecast
from clipmill.pipeline.inputs.account import refuse_empty
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.ready import check_ready, check_work
from clipmill.pipeline.recorded.last_run import identified, last_run, look_past_damage
from clipmill.pipeline.recorded.look import reports_of
from clipmill.pipeline.run import check_asked
from clipmill.preflight.weights import missing_at_first_use
from clipmill.sources import list_sources
from clipmill.store.errors import NoWorkspaceError
from clipmill.store.workspace import Workspace


def dry_run(
    pipeline: Pipeline,
    workspace: str,
    *,
    workers: int | None,
    until: str = "",
    retry_failed: Collection[str] = (),
    gpus: bool = True,
    as_json: bool = False,
) -> None:
    """Tell what a run would compute. Nothing is computed, fetched or written.

    Args:
        pipeline: The pipeline.
        workspace: Where it is to run; need not exist.
        workers: Worker processes; None for as many as there is room for.
        until: Last step of the run.
        retry_failed: Kinds of failures that are computed again.
        gpus: Whether GPUs must be here: not where workers run on other machines.
        as_json: Whether it is told as JSON.

    Raises:
        UsageError: A run would be refused.
    """
    findings = check_ready(pipeline, workspace, until=until, fetched=False, gpus=gpus)
    check_asked(pipeline, until)
    found = list_sources(pipeline.sources)
    refuse_empty(found)
    if not is_quiet():
        show_account(found.account, make_console(stderr=True))
    with _opened(workspace) as opened:
        shares = _shares(opened)
        # Weights may not be here yet: looked at, and not resolved to be run.
        context = Context(opened, pipeline, recorded={})
        listing = VideoList.of(found)
        retry = RETRIED_KINDS | frozenset(retry_failed)
        check_work(findings, context, identified(listing, context), retry=retry, until=until)
        steps = look_past_damage(
            opened,
            lambda: list(
                forecast(
                    context, identified(listing, context), shares=shares, retry=retry, until=until
                )
            ),
        )
        tell_damages(opened)
    fetched = [spec.name for spec in missing_at_first_use(pipeline)]
    with choose_engine(workers) as engine:
        count = max(1, engine.resources.processes)
    if as_json:
        tell_json("run --dry-run", _answer(steps, count, fetched))
    else:
        _show(steps, count, fetched, estimated=bool(shares))


@contextmanager
def _opened(uri: str) -> Iterator[Workspace]:
    """Open a workspace; an empty one, for the time of the block, where there is none yet."""
    try:
        found = Workspace.open(uri, look=True)
    except NoWorkspaceError:
        with tempfile.TemporaryDirectory(prefix="clipmill-") as folder:
            yield Workspace.open(folder, create=True)
        return
    yield found


def _shares(workspace: Workspace) -> dict[str, float]:
    """Return what share of the clips went on behind each step of the last run here."""
    try:
        run = last_run(workspace)
        reports = [] if run is None else look_past_damage(workspace, lambda: reports_of(*run))
    except ClipmillError:  # a run that cannot be read is no help, and `clipmill check` tells
        return {}
    return {
        report.title: report.leaving / report.entering
        for report in reports
        if report.entering and not report.pending
    }


def _total(steps: Sequence[StepForecast], workers: int) -> float:
    return sum(step.seconds(workers) or 0.0 for step in steps)


def _unmeasured(steps: Sequence[StepForecast]) -> list[str]:
    return [step.title for step in steps if step.pending and step.cost is None]


def _answer(
    steps: Sequence[StepForecast], workers: int, fetched: Sequence[str]
) -> dict[str, object]:
    return {
        "workers": workers,
        "seconds": _total(steps, workers),
        "unmeasured": _unmeasured(steps),
        "weights_to_fetch": list(fetched),
        "steps": [
            {
                "title": step.title,
                "backend": step.backend,
                "unit": step.unit,
                "entering": step.entering,
                "pending": step.pending,
                "exact": step.exact,
                "seconds_per_clip": step.cost.seconds if step.cost else None,
                "measured_clips": step.cost.rows if step.cost else 0,
                "measured_with_these_settings": bool(step.cost and step.cost.same),
                "seconds": step.seconds(workers),
            }
            for step in steps
        ],
    }


def _show(
    steps: Sequence[StepForecast], workers: int, fetched: Sequence[str], *, estimated: bool
) -> None:
    console = make_console()
    show_table(console, _table(steps, workers))
    lines = [_time(steps, workers)]
    if not all(step.exact for step in steps):
        basis = "as many go on as in the last run here" if estimated else "all go on"
        lines.append(f"~ behind work that is not done yet: estimated as if {basis}")
    if fetched:
        lines.append(f"weights that the run fetches first: {', '.join(fetched)}")
    lines.append("nothing was computed or written")
    _print(console, lines)


def _table(steps: Sequence[StepForecast], workers: int) -> Table:
    table = Table(title="dry run", title_justify="left")
    table.add_column("step")
    for column in ("in", "to compute", "s a clip", "time"):
        table.add_column(column, justify="right")
    for step in steps:
        about = "" if step.exact else "~"
        seconds = step.seconds(workers)
        times = ["", ""]
        if step.pending:
            times = [f"{step.cost.seconds:.2f}" if step.cost else "not measured", ""]
            times[1] = "unknown" if seconds is None else time_text(seconds)
        pending = f"{about}{step.pending}" if step.pending else ""
        table.add_row(name(step.title), f"{about}{step.entering}", pending, *times)
    return table


def _time(steps: Sequence[StepForecast], workers: int) -> str:
    """Return the time of the whole run in words."""
    if not any(step.pending for step in steps):
        return "nothing is left to compute; selections and samples are made again"
    unmeasured = _unmeasured(steps)
    with_workers = f"with {workers} worker{'s' if workers > 1 else ''}"
    if len(unmeasured) == sum(bool(step.pending) for step in steps):
        return f"time: unknown; no clip was measured here yet for {', '.join(unmeasured)}"
    text = f"time: about {time_text(_total(steps, workers))} {with_workers}"
    if unmeasured:
        text += f", without {', '.join(unmeasured)}: no clip was measured here yet"
    other = [step.title for step in steps if step.pending and step.cost and not step.cost.same]
    if other:
        text += f"; measured with other settings: {', '.join(other)}"
    return text


def _print(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
