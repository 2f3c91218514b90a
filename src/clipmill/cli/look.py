"""Commands that only look: `status`, `failed`, `backends`."""

import json
from collections import Counter

import typer
from rich.markup import escape
from rich.table import Table

from clipmill.annotations.registry import ANNOTATIONS, available, find_backend
from clipmill.cli.console import make_console, name
from clipmill.cli.options import (
    DEFAULT_WORKSPACE,
    JsonOption,
    WorkspaceOption,
    evaluate,
    open_last_run,
)
from clipmill.cli.progress import show_account
from clipmill.cli.run import step_json
from clipmill.errors import ClipmillError
from clipmill.pipeline.account import load_account
from clipmill.pipeline.report import StepReport
from clipmill.sources import Account

MAX_REASON = 70
"""Characters of a reason in the funnel."""


def status(workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False) -> None:
    """Show the funnel: how many entered and left each step, and why the others are out."""
    context, listing = open_last_run(workspace)
    reports = evaluate(context, listing)
    account = load_account(context.workspace) or Account()
    if as_json:
        steps = [step_json(report) for report in reports]
        steps[0]["sources"] = account.model_dump(mode="json")["sources"]
        typer.echo(json.dumps(steps, indent=2))
        return
    console = make_console()
    show_account(account, console)
    console.print(funnel_table(reports))


def funnel_table(reports: list[StepReport]) -> Table:
    """Return the funnel as a table."""
    table = Table(title="funnel", title_justify="left")
    table.add_column("step")
    for column in ("in", "dropped", "failed", "pending", "on"):
        table.add_column(column, justify="right")
    table.add_column("reasons")
    for report in reports:
        counts = (report.entering, report.dropped, report.failed, report.pending, report.leaving)
        table.add_row(name(report.title), *(str(n) if n else "" for n in counts), reasons(report))
    return table


def reasons(report: StepReport) -> str:
    """Return why things are out after a step, most frequent first."""
    counts: Counter[str] = Counter()
    for row in report.verdicts.select(["state", "rule", "level"]).to_pylist():
        if row["state"] == "failed":
            # Error texts name files; the kind in front of them is what failures share.
            counts["failed: " + row["rule"].partition(":")[0]] += 1
        elif row["state"] == "dropped":
            unit = " (objects)" if row["level"] == "object" else ""
            counts[_clean(row["rule"]) + unit] += 1
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    lines = [f"{count} x {escape(rule)}" for rule, count in ordered[:5]]
    if report.kind == "samples":
        lines.insert(0, f"{report.samples} samples, {report.stage2_samples} for stage 2")
    lines += ["percentiles off: too few" for cut in report.cuts[:1] if cut.guarded]
    return "\n".join(lines)


def _clean(rule: str) -> str:
    first, _, _ = rule.partition("\n")
    return first if len(first) <= MAX_REASON else first[: MAX_REASON - 1] + "…"


def failed(workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False) -> None:
    """List every video and clip that failed, and every caption that cannot be used, and why."""
    context, listing = open_last_run(workspace)
    paths = {video.video_id: video.relative_path for video in listing.videos}
    paths |= {problem.video_id: problem.relative_path for problem in listing.problems}
    rows = [
        {
            "step": report.title,
            "key": row["key"],
            "path": paths.get(row["video_id"], ""),
            "error": row["rule"],
        }
        for report in evaluate(context, listing)
        for row in report.verdicts.to_pylist()
        if row["state"] in {"failed", "noted"}
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    console = make_console()
    if not rows:
        console.print("nothing failed")
        return
    table = Table()
    for column in ("step", "path", "key", "error"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(row["step"], name(row["path"]), row["key"], escape(row["error"]))
    console.print(table)
    console.print(
        "after mending the cause: clipmill run ... --retry-failed computes these again",
        highlight=False,
    )


def backends() -> None:
    """List the backends of every annotation, with licence and what they need."""
    table = Table()
    for column in ("annotation", "backend", "licence", "needs"):
        table.add_column(column, overflow="fold")
    for annotation in ANNOTATIONS:
        for backend in available(annotation):
            try:
                needs = find_backend(annotation, backend).needs
            except (ImportError, ClipmillError) as error:
                table.add_row(annotation, backend, "", escape(f"cannot be loaded: {error}"))
                continue
            wants = [f"clipmill[{needs.extra}]"] if needs.extra else ["nothing more"]
            wants += ["a GPU"] if needs.gpu else []
            table.add_row(annotation, backend, needs.licence, escape(", ".join(wants)))
    make_console().print(table)
