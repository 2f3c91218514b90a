"""Scores of what a clip looks like: shots and quality."""

import numpy as np

from clipmill.annotations.shots.boundaries import cuts_from_scores
from clipmill.demo.score_base import DemoScore, Found, Truths, at_least, at_most, rows_of
from clipmill.store.codecs import decode_array

CUT_TOLERANCE = 2


def score_shots(truths: Truths, found: Found) -> DemoScore:
    """Return the F1 of hard cuts over all videos, tolerance 2 frames."""
    right = wrong = missed = 0
    rows = rows_of(truths, found, "shots")
    for _, truth, (clip, row) in rows:
        cuts = cuts_from_scores(
            decode_array(row.scores), threshold=row.threshold, num_decoded=row.num_decoded
        )
        left = [cut - clip.start for cut in truth.cuts if clip.start < cut < clip.end]
        for cut in cuts:
            near = [true for true in left if abs(true - cut) <= CUT_TOLERANCE]
            right, wrong = right + bool(near), wrong + (not near)
            if near:
                left.remove(near[0])
        missed += len(left)
    total = 2 * right + wrong + missed
    f1 = 2 * right / total if total else 1.0
    return at_least("shots: F1 of hard cuts", [f1] * len(rows), 0.85)


def score_quality(truths: Truths, found: Found) -> list[DemoScore]:
    """Tell whether text and blur stand out in the measures that are meant for them.

    The text area of clips with burned-in text over that of the worst other clip, and the clarity
    of blurred clips over the median of the others.
    """
    rows = [(truth.scene, row) for _, truth, (_, row) in rows_of(truths, found, "quality")]
    text = [row.text_area for scene, row in rows if scene.text]
    plain = [row.text_area for scene, row in rows if not scene.text]
    blurred = [row.clarity for scene, row in rows if scene.blur > 0]
    sharp = [row.clarity for scene, row in rows if scene.blur == 0]
    both = bool(text and plain)
    # A floor of a thousandth of the frame, so that clips without any text box can be divided by.
    margin = [min(text) / max(*plain, 1e-3)] if both else []
    blur = max(blurred) / float(np.median(sharp)) if blurred and sharp else None
    return [
        at_least("quality: text area, subtitles over the rest", margin, 2.0, unit="x"),
        at_most("quality: clarity, blurred over the rest", blur, 0.5, unit="x", count=len(blurred)),
    ]
