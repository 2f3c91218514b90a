"""Commands that only look: `status`, `failed`, `backends`."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clipmill.annotations.base import Needs
from clipmill.annotations.registry import ANNOTATIONS, available, find_backend
from clipmill.audit.answers import FOLDER as AUDITS
from clipmill.cli.commands.judging.review import review_json, review_line
from clipmill.cli.options import (
    DEFAULT_WORKSPACE,
    JsonOption,
    WorkspaceOption,
    look,
    tell_damages,
)
from clipmill.cli.output.account import show_account
from clipmill.cli.output.answers import step_json, tell_json
from clipmill.cli.output.console import make_console, name
from clipmill.cli.output.rates import show_rates
from clipmill.cli.output.tables import show_table
from clipmill.errors import ClipmillError
from clipmill.failures import MACHINE_KINDS, REMEDIES
from clipmill.inspection.reasons import counted_reasons
from clipmill.pipeline.inputs.account import load_account
from clipmill.pipeline.recorded.last_run import look_past_damage
from clipmill.pipeline.recorded.rates import noted_rates, rates_json
from clipmill.pipeline.recorded.remembered import judged_since
from clipmill.pipeline.verdicts import POSTPONED, StepReport
from clipmill.review.store import ReviewStore
from clipmill.sources.accounting.account import Account
from clipmill.store.workspace import Workspace

if TYPE_CHECKING:
    from clipmill.audit.estimate import AuditResult

MAX_REASON = 70
"""Characters of a reason in the funnel."""


def status(workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False) -> None:
    """Show the funnel: how many entered and left each step, and why the others are out."""
    run = look(workspace)
    reports = run.reports
    audits = _audits(run.workspace) if run.workspace.names(AUDITS) else []
    tell_damages(run.workspace)
    account = load_account(run.workspace) or Account()
    rates = noted_rates(run.workspace, run.fingerprints)
    said = ReviewStore.open(run.workspace).state()
    if as_json:
        sources = account.model_dump(mode="json")["sources"]
        steps = list(map(step_json, reports))
        review = {**review_json(said), "newer_than_samples": judged_since(run.workspace)}
        answer = {"sources": sources, "steps": steps, "rates": rates_json(rates)}
        answer |= {"review": review, "audits": _audits_json(audits) if audits else []}
        tell_json("status", answer)
        return
    console = make_console()
    show_account(account, console)
    show_table(console, funnel_table(reports))
    show_rates(rates, console)
    if audits:
        _show_audits(audits, console)
    if len(said) or said.damages:
        console.print(review_line(said, run.workspace), highlight=False, soft_wrap=True)
    postponed = sum(report.postponed for report in reports)
    if postponed:
        console.print(
            f"{postponed} postponed: the machine could not do them, which is no verdict on them; "
            "the next `clipmill run` tries them again. `clipmill failed` lists them and what to do",
            highlight=False,
            soft_wrap=True,
        )


def _audits(workspace: Workspace) -> "list[AuditResult]":
    from clipmill.audit.files import audit_results  # and all that decodes and estimates

    return look_past_damage(workspace, lambda: audit_results(workspace))


def _audits_json(results: "list[AuditResult]") -> list[dict[str, Any]]:
    from clipmill.cli.output.audits import audit_json

    return list(map(audit_json, results))


def _show_audits(results: "list[AuditResult]", console: Console) -> None:
    from clipmill.cli.output.audits import show_audits

    show_audits(results, console)


def funnel_table(reports: Sequence[StepReport]) -> Table:
    """Return the funnel as a table."""
    table = Table(title="funnel", title_justify="left")
    table.add_column("step")
    columns = ["entering", "dropped", "failed", "postponed", "pending", "leaving"]
    if not any(report.postponed for report in reports):
        columns.remove("postponed")
    for column in ({"entering": "in", "leaving": "on"}.get(column, column) for column in columns):
        table.add_column(column, justify="right")
    table.add_column("reasons")
    for report in reports:
        counts = [getattr(report, column) for column in columns]
        table.add_row(name(report.title), *(str(n) if n else "" for n in counts), reasons(report))
    return table


def reasons(report: StepReport) -> str:
    """Return why things are out after a step, most frequent first."""
    counts: Counter[str] = Counter()
    for (text, state, level), count in counted_reasons(report).items():
        if state in ("failed", POSTPONED):
            counts[f"{state}: {text}"] += count
        else:
            unit = " (objects)" if level == "object" else ""
            counts[_clean(text) + unit] += count
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
    """List every video and clip that failed, and every caption that cannot be used, and why.

    Failures of the clips come first, by a fault of their own; then what was postponed, as the
    machine could not do it: `clipmill run` tries that again unasked.
    """
    run = look(workspace)
    found = [(report, _told(report)) for report in run.reports]
    tell_damages(run.workspace)
    rows = [
        {
            "step": report.title,
            "state": row["state"],
            "kind": _kind(report, row["rule"]),
            "key": row["key"],
            "path": path,
            "error": row["rule"],
        }
        for report, told in found
        for row, path in (run.listing.with_paths(told) if told.num_rows else ())
    ]
    if as_json:
        tell_json("failed", {"failures": rows})
        return
    console = make_console()
    if not rows:
        console.print("nothing failed")
        return
    own = [row for row in rows if row["state"] != POSTPONED]
    machine = [row for row in rows if row["state"] == POSTPONED]
    if own:
        show_table(console, _failures("by a fault of their own", own))
        kinds = ",".join(sorted({row["kind"] for row in own} - {""}))
        console.print(
            "after fixing the cause: clipmill run ... --retry-failed computes these again"
            + (f" (--retry-failed={kinds})" if kinds else ""),
            highlight=False,
            soft_wrap=True,
        )
    if machine:
        show_table(console, _failures("postponed: the machine could not do them", machine))
        for kind in sorted({row["kind"] for row in machine}):
            console.print(
                f"{kind}: {MACHINE_KINDS[kind]}. To do: {REMEDIES[kind]}",
                highlight=False,
                soft_wrap=True,
            )
        console.print("no verdict on them: the next clipmill run tries them again", highlight=False)


def _told(report: StepReport) -> pa.Table:
    """Return the verdicts of a step that tell of something that went wrong."""
    states = pa.array(["failed", "noted", POSTPONED])
    return report.verdicts.filter(pc.is_in(report.verdicts["state"], value_set=states))


def _kind(report: StepReport, rule: str) -> str:
    """Return the kind of a failure; empty for those of listing and selecting."""
    return rule.partition(":")[0] if report.kind == "annotate" else ""


def _failures(title: str, rows: list[dict[str, str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("step", "path", "key", "error"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(row["step"], name(row["path"]), row["key"], escape(row["error"]))
    return table


def backends(as_json: JsonOption = False) -> None:
    """List the backends of every annotation, with licence and what they need."""
    found = [_backend(name, backend) for name in ANNOTATIONS for backend in available(name)]
    if as_json:
        tell_json("backends", {"backends": found})
        return
    table = Table()
    for column in ("annotation", "backend", "licence", "needs"):
        table.add_column(column, overflow="fold")
    for facts in found:
        wants = [f"clipmill[{facts['extra']}]"] if facts["extra"] else ["nothing more"]
        wants += ["a GPU"] if facts["gpu"] else []
        if facts["error"]:
            wants = [f"cannot be loaded: {facts['error']}"]
        cells = [str(facts[column]) for column in ("annotation", "backend", "licence")]
        table.add_row(*map(escape, [*cells, ", ".join(wants)]))
    show_table(make_console(), table)


def _backend(annotation: str, backend: str) -> dict[str, object]:
    """Return what is known of a backend, loaded where it can be."""
    facts: dict[str, object] = {"annotation": annotation, "backend": backend}
    needs, error = Needs(licence=""), ""
    try:
        needs = find_backend(annotation, backend).needs
    except (ImportError, ClipmillError) as problem:
        error = str(problem)
    return facts | {
        "licence": needs.licence,
        "extra": needs.extra,
        "gpu": needs.gpu,
        "weights": list(needs.weights),
        "error": error,
    }
