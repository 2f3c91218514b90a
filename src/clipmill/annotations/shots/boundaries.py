"""From scores to shots: pure functions, used by the split step and by the benchmark."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt


def cuts_from_scores(scores: npt.NDArray[Any], *, threshold: float, num_decoded: int) -> list[int]:
    """Return the first frame of every shot but the first, ascending.

    Neighbouring frames above the threshold are one boundary (a detector answers to a transition
    over several frames); it lies at the highest score, the earliest of equals.

    Args:
        scores: float [T]; scores[t] is evidence that frame t begins a shot.
        threshold: A boundary needs a score greater than this. NaN is never greater.
        num_decoded: Frames that exist; scores from there on are ignored.
    """
    usable = np.asarray(scores, np.float32)[:num_decoded]
    above = np.flatnonzero(usable > threshold)
    above = above[above > 0]
    if not len(above):
        return []
    runs = np.split(above, np.flatnonzero(np.diff(above) > 1) + 1)
    return [int(run[np.argmax(usable[run])]) for run in runs]


def shots_from_scores(
    scores: npt.NDArray[Any], *, threshold: float, num_decoded: int
) -> list[tuple[int, int]]:
    """Return the shots of a clip as half-open ranges from the clip's start.

    The ranges follow each other without a gap and cover all decoded frames, so short shots are in
    the list too: leaving them out is up to the caller.

    The published pipeline cuts after every frame whose label is 1, which puts the first frame of
    a new shot at the end of the old one and turns a run of 1s into shots of one frame each. Here
    a boundary frame begins the new shot, and a run is one boundary.

    Args:
        scores: float [T], as in `ShotsRow.scores`.
        threshold: A boundary needs a score greater than this.
        num_decoded: Frames that exist, at most T; none gives an empty list.
    """
    end = min(num_decoded, len(scores))
    if end <= 0:
        return []
    edges = [0, *cuts_from_scores(scores, threshold=threshold, num_decoded=end), end]
    return list(pairwise(edges))
