"""What many clips have in common of their reasons: some name another clip, a time or a file."""

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.config import ReviewStep
from clipmill.pipeline.steps.probe import SAME_CONTENT
from clipmill.pipeline.steps.selecting.dedup import NEAR_DUPLICATE


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
