"""A score for every frame, out of all detectors."""

import numpy as np
import numpy.typing as npt

from clipmill.annotations.shots.transitions.blends import find_blends, products_of
from clipmill.annotations.shots.transitions.flashes import interruptions
from clipmill.annotations.shots.transitions.hard_cuts import cut_evidence
from clipmill.annotations.shots.transitions.joining import joined
from clipmill.annotations.shots.transitions.pairs import FramePairs
from clipmill.annotations.shots.transitions.spans import Transition, gradual_transitions
from clipmill.annotations.shots.transitions.thumbnails import Thumbnails

THRESHOLD = 0.5
"""The score of evidence that is just enough."""
_SURE, _PEAK = 1.01, 1.01
"""A run of scores has to lie above the threshold, and its highest has to stand out."""


def transition_scores(frames: Thumbnails) -> npt.NDArray[np.float32]:
    """Score every frame as `ShotsRow.scores` has it.

    Frames around a gradual transition have no score, so that its run stands alone.

    Returns:
        float32 [T] in [0, 1): e / (1 + e) of evidence e.
    """
    evidence, transitions = find_transitions(frames)
    for item in transitions:
        if item.gradual:
            evidence[max(0, item.first - 1) : item.last + 2] = 0
            first, last = _run(item, len(frames))
            evidence[first : last + 1] = max(item.evidence, _SURE)
            evidence[min(max(item.at, first), last)] *= _PEAK
    return evidence / (1 + evidence)


def _run(item: Transition, end: int) -> tuple[int, int]:
    """Return the first and last frame of the run of scores that stands for a transition.

    A run that touches frame 1 or the clip's last frame opens or closes the clip; one that has
    even a single frame of a shot on either side must not.
    """
    first = 1 if item.first == 0 else max(2, item.first)
    last = end - 1 if item.last == end else min(end - 2, item.last)
    return first, max(first, last)


def find_transitions(
    frames: Thumbnails,
) -> tuple[npt.NDArray[np.float32], list[Transition]]:
    """Return the evidence of hard cuts, float32 [T], and all transitions in ascending order."""
    pairs, products = FramePairs(frames), products_of(frames)
    evidence = cut_evidence(pairs)
    interrupted = interruptions(evidence, pairs)
    for first, end in interrupted:
        evidence[first : end + 1] = 0
    gradual = [
        item
        for item in gradual_transitions(find_blends(products), pairs)
        # A flash that dies away is no fade from white.
        if not any(first <= item.first and item.last <= end + 1 for first, end in interrupted)
    ]
    hard = [
        Transition(int(at), int(at), int(at), float(evidence[at]))
        for at in np.flatnonzero(evidence > 1)
        if not any(item.first - 1 <= at <= item.last + 1 for item in gradual)
    ]
    return evidence, joined([*gradual, *hard], products.detail[:, 0])
