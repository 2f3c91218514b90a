"""The funnel: what every step let through, and why the rest is out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from clipmill.inspection.reasons import counted_reasons
from clipmill.pipeline.verdicts import StepReport

MAX_REASONS = 12
"""Reasons listed per step; the rest is summed up."""


@dataclass(frozen=True)
class Reason:
    """Why things are out after a step.

    Attributes:
        text: The rule, or the kind of error.
        count: Videos, clips or objects.
        unit: `videos`, `clips` or `objects`.
        state: `dropped`, `failed` or `postponed`.
        share: Count over all of the step in this unit, (0, 1].
    """

    text: str
    count: int
    unit: str
    state: str
    share: float


@dataclass(frozen=True)
class FunnelStep:
    """One bar of the funnel.

    Attributes:
        report: The step's outcome.
        label: What the step is, for people: `annotation · embedded`.
        reasons: Most frequent first.
        more: Further reasons that are not listed.
        leaving: Width of what goes on, percent of the widest bar; so the next three.
        dropped: Width of what a rule dropped.
        failed: Width of what failed.
        postponed: Width of what the machine could not do.
        pending: Width of what waits to be computed.
        notes: Remarks, e.g. percentiles that were switched off.
    """

    report: StepReport
    label: str
    reasons: tuple[Reason, ...]
    more: int
    leaving: float
    dropped: float
    failed: float
    postponed: float
    pending: float
    notes: tuple[str, ...]


def funnel(reports: Sequence[StepReport]) -> list[FunnelStep]:
    """Return one bar per step, all on one scale."""
    widest = max(
        (max(r.entering, r.leaving + r.dropped + r.failed + r.postponed) for r in reports),
        default=1,
    )
    return [_step(report, max(widest, 1)) for report in reports]


def _step(report: StepReport, widest: int) -> FunnelStep:
    reasons = _reasons(report)
    return FunnelStep(
        report=report,
        label=_label(report),
        reasons=tuple(reasons[:MAX_REASONS]),
        more=len(reasons[MAX_REASONS:]),
        leaving=100 * report.leaving / widest,
        dropped=100 * report.dropped / widest,
        failed=100 * report.failed / widest,
        postponed=100 * report.postponed / widest,
        pending=100 * report.pending / widest,
        notes=tuple(_notes(report)),
    )


def _label(report: StepReport) -> str:
    words = {
        "source": "listing",
        "annotate": "annotation",
        "select": "selection",
        "split": "split",
        "samples": "samples",
    }
    word = words.get(report.kind, report.kind)
    return f"{word} · {report.backend}" if report.backend else word


def _reasons(report: StepReport) -> list[Reason]:
    """Count the rules of a step; errors are counted by their kind."""
    counts = counted_reasons(report)
    totals: Counter[str] = Counter()
    for (_, _, level), count in counts.items():
        totals[level] += count
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        Reason(text, count, f"{level}s", state, count / totals[level])
        for (text, state, level), count in ordered
    ]


def _notes(report: StepReport) -> list[str]:
    notes = []
    if report.objects_dropped:
        notes.append(f"{report.objects_dropped} objects dropped")
    if report.kind == "samples":
        notes.append(f"{report.samples} samples, {report.stage2_samples} of them for stage 2")
    guarded = [cut for cut in report.cuts if cut.guarded]
    if guarded:
        notes.append(
            f"percentiles switched off: a population of {guarded[0].population} is under "
            "min_population"
        )
    if report.pending:
        notes.append(f"{report.pending} {report.unit} have no row yet")
    return notes
