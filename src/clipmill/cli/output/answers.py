"""What commands answer to scripts: one JSON document each, with its version."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from clipmill.inspection.reasons import counted_reasons
from clipmill.pipeline.recorded.rates import rates_json
from clipmill.pipeline.verdicts import StepReport

if TYPE_CHECKING:
    from clipmill.pipeline.run import RunSummary

JSON_VERSION = 1
"""Raised when a field of an answer is renamed, removed or changes its meaning; a new field is no
change."""


def tell_json(command: str, answer: Mapping[str, object], *, indent: int | None = 2) -> None:
    """Print the answer of a command: its name, the version of answers, then its fields."""
    whole = {"command": command, "version": JSON_VERSION, **answer}
    typer.echo(json.dumps(whole, indent=indent, default=str))


def summary_json(summary: "RunSummary") -> dict[str, object]:
    """Return the summary of a run for scripts."""
    return {
        "samples": summary.samples,
        "stage2_samples": summary.stage2_samples,
        "failed": summary.failed,
        "failed_kinds": summary.failed_kinds,
        "postponed": summary.postponed,
        "postponed_kinds": summary.postponed_kinds,
        "computed": summary.computed,
        "changes": asdict(summary.changes),
        "peak_rss_bytes": summary.peak_rss,
        "rates": rates_json(summary.rates),
        "sources": summary.account.model_dump(mode="json")["sources"],
        "steps": [step_json(report) for report in summary.reports],
    }


def step_json(report: StepReport) -> dict[str, object]:
    """Return what a step did for scripts."""
    names = (
        "title", "kind", "unit", "backend", "fingerprint", "entering", "leaving", "dropped",
        "failed", "postponed", "pending", "objects_dropped", "samples", "stage2_samples",
    )  # fmt: skip
    return {name: getattr(report, name) for name in names} | {"reasons": _reasons(report)}


def _reasons(report: StepReport) -> dict[str, int]:
    """Counts of dropped and failed things by reason."""
    counts: Counter[str] = Counter()
    for (text, _, _), count in counted_reasons(report, whole_errors=True).items():
        counts[text] += count
    return dict(counts)
