"""What audits came to, for people and scripts."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clipmill.audit.estimate import AuditResult, GroupShare
from clipmill.audit.intervals import Interval
from clipmill.cli.output.console import name
from clipmill.cli.output.tables import show_table


def audit_json(result: AuditResult) -> dict[str, object]:
    """Return an audit for scripts; `yield` is what Python cannot name so."""
    whole = asdict(result)
    whole["yield"] = whole.pop("yielded")
    return whole


def show_audits(results: Sequence[AuditResult], console: Console) -> None:
    """Show one line per audit; nothing where there is none."""
    if not results:
        return
    table = Table(title="audits (95 % intervals)", title_justify="left")
    for column, justify in (
        ("audit", "left"),
        ("judged", "right"),
        ("precision", "left"),
        ("yield", "left"),
        ("judges", "left"),
    ):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for result in results:
        under_way = [f"{judge} at {count}" for judge, count in result.under_way.items()]
        table.add_row(
            result.id,
            f"{result.judged} of {result.drawn}",
            percent(result.precision),
            percent(result.yielded),
            name(", ".join([*result.judges, *under_way])),
        )
    show_table(console, table)


def show_audit(result: AuditResult, console: Console) -> None:
    """Show one audit with its parts, and the clips that were judged against the pipeline."""
    show_audits([result], console)
    if result.unsure:
        console.print(
            f"{result.unsure} count neither way: unsure, or judges disagree", highlight=False
        )
    show_table(console, _groups("by stratum", result.strata))
    if result.steps:
        show_table(console, _groups("dropped clips by step", result.steps))
    for pair in result.agreements:
        kappa = "is not defined" if pair.kappa is None else f"{pair.kappa:.2f}"
        console.print(
            f"{name(' and '.join(pair.judges))} agree on {pair.same} of {pair.clips}; Cohen's "
            f"kappa {kappa}",
            highlight=False,
        )
    if result.against:
        table = Table(title="judged against the pipeline", title_justify="left")
        for column in ("clip", "path", "pipeline", "reason"):
            table.add_column(column, overflow="fold")
        for one in result.against:
            reason = f"{one.step}: {one.reason}" if one.step else ""
            table.add_row(one.clip_id, name(one.path), one.state, escape(reason))
        show_table(console, table)


def _groups(title: str, groups: Sequence[GroupShare]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("part")
    for column in ("clips", "judged", "good"):
        table.add_column(column, justify="right")
    table.add_column("share that is good")
    for group in groups:
        clips = "" if group.clips is None else f"{group.clips:,}"
        cells = [clips, str(group.judged), str(group.good), percent(group.share)]
        table.add_row(name(group.name), *cells)
    return table


def percent(interval: Interval | None) -> str:
    """Return an estimate with its interval, e.g. `92 % (87-95)`."""
    if interval is None:
        return "not known"
    return f"{interval.value:.0%} ({100 * interval.low:.0f}-{100 * interval.high:.0f})".replace(
        "%", " %"
    )
