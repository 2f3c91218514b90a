"""From scores to shots: pure functions, used by the split step and by the benchmark."""

from typing import Any

import numpy as np
import numpy.typing as npt


def cuts_from_scores(scores: npt.NDArray[Any], *, threshold: float, num_decoded: int) -> list[int]:
    """Return one frame per boundary between two shots, ascending.

    Neighbouring frames above the threshold are one boundary (a detector answers to a transition
    over several frames); it lies at the highest score, the earliest of equals. A run of several
    frames that begins at frame 1 or ends with the last frame opens or closes the clip: it has a
    shot on one side only and is no boundary.

    Args:
        scores: float [T]; scores[t] is evidence that frame t begins a shot.
        threshold: A boundary needs a score greater than this. NaN is never greater.
        num_decoded: Frames that exist; scores from there on are ignored.
    """
    usable = np.asarray(scores, np.float32)[:num_decoded]
    return [
        int(run[np.argmax(usable[run])])
        for run in _runs(usable, threshold)
        if not (_opens(run) or _closes(run, len(usable)))
    ]


def shots_from_scores(
    scores: npt.NDArray[Any], *, threshold: float, num_decoded: int
) -> list[tuple[int, int]]:
    """Return the shots of a clip as half-open ranges from the clip's start.

    A single frame above the threshold begins a shot. In a run of them only the last one does: the
    others are frames of a transition, mixed of two shots or black, and belong to none. All other
    decoded frames are covered once, so short shots are in the list too: leaving them out is up to
    the caller.

    The published pipeline cuts after every frame whose label is 1, which puts the first frame of
    a new shot at the end of the old one and turns a run of 1s into shots of one frame each.

    Args:
        scores: float [T], as in `ShotsRow.scores`.
        threshold: A boundary needs a score greater than this.
        num_decoded: Frames that exist, at most T; none gives an empty list.
    """
    usable = np.asarray(scores, np.float32)[:num_decoded]
    shots, start = [], 0
    for run in _runs(usable, threshold):
        if not _opens(run):
            shots.append((start, int(run[0])))
        start = len(usable) if _closes(run, len(usable)) else int(run[-1])
    if start < len(usable):
        shots.append((start, len(usable)))
    return shots


def _runs(usable: npt.NDArray[np.float32], threshold: float) -> list[npt.NDArray[np.int_]]:
    """Return the frames above the threshold, in runs of neighbours; frame 0 is never one."""
    above = np.flatnonzero(usable > threshold)
    above = above[above > 0]
    if not len(above):
        return []
    return np.split(above, np.flatnonzero(np.diff(above) > 1) + 1)


def _opens(run: npt.NDArray[np.int_]) -> bool:
    return len(run) > 1 and bool(run[0] == 1)


def _closes(run: npt.NDArray[np.int_], end: int) -> bool:
    return len(run) > 1 and bool(run[-1] == end - 1)
