"""What many clips have in common of their reasons: some name another clip, a time or a file."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.config import ReviewStep
from clipmill.pipeline.steps.probe import SAME_CONTENT
from clipmill.pipeline.steps.selecting.dedup import NEAR_DUPLICATE
from clipmill.pipeline.verdicts import POSTPONED, StepReport


def shared_reasons(
    reasons: pa.ChunkedArray, steps: pa.ChunkedArray | pa.Scalar, *, error: pa.ChunkedArray
) -> pa.ChunkedArray:
    """Return the reasons without what is about one clip alone.

    Args:
        reasons: Rules, or errors; string [n].
        steps: Titles of the steps that decided; string [n], or one of all.
        error: Whether each is an error, of which the kind counts; bool [n].

    Returns:
        String [n]; null where there is no reason.
    """
    found = pc.if_else(error, pc.replace_substring_regex(reasons, "(?s):.*", ""), reasons)
    # Of what people said it counts who, not when.
    who = pc.replace_substring_regex(found, "(?s), .*", "")
    found = pc.if_else(pc.equal(steps, ReviewStep.tag), who, found)
    for start in (NEAR_DUPLICATE, SAME_CONTENT):
        found = pc.replace_substring_regex(found, f"(?s)^{start}.*", start)
    return found


def counted_reasons(
    report: StepReport, *, whole_errors: bool = False
) -> Counter[tuple[str, str, str]]:
    """Return how often each (reason, state, level) is given in a step.

    Args:
        report: Outcome of the step.
        whole_errors: Whether errors count by their texts, not by their kinds.
    """
    told = report.decided.reasons
    failed = pc.is_in(told["state"], value_set=pa.array(["failed", POSTPONED]))
    # What a selection cannot judge is named by its column, which is no kind.
    error = pc.and_(failed, report.kind != "select" and not whole_errors)
    texts = shared_reasons(told["rule"], pa.scalar(report.title), error=error)
    counts: Counter[tuple[str, str, str]] = Counter()
    for text, row in zip(texts.to_pylist(), told.to_pylist(), strict=True):
        counts[text or "no reason given", row["state"], row["level"]] += row["count"]
    return counts
