"""Flashes and other interruptions: a few frames after which the same scene goes on."""

import numpy as np
import numpy.typing as npt

from clipmill.annotations.shots.transitions.pairs import FramePairs

_LONGEST = 5
"""Frames; a photographer's flash takes 1 to 4."""
_WORTH_A_LOOK = 0.6
"""Evidence at one end of an interruption; at the other there may be less."""
_PULSE = 8.0
"""8-bit levels that a flash is brighter, or a dropout darker, than both sides."""
_SAME = 0.25
"""Mismatch of the sides of a flash where nothing moves; motion adds to it."""


def interruptions(evidence: npt.NDArray[np.float32], pairs: FramePairs) -> list[tuple[int, int]]:
    """Find frames [first, end) where the scene from before comes back within a few frames.

    Frames that are all brighter, or all darker, than both sides are a flash or a dropout: the
    sides may then differ as much as frames so far apart do elsewhere near. Other frames, such as
    a thing that passes close to the camera, are an interruption only when the sides are clearly
    the same.

    Args:
        evidence: float32 [T], as `cut_evidence` gives it; an interruption has a cut at one end.
        pairs: The frames.
    """
    found, last = [], len(pairs) - 1
    for at in map(int, np.flatnonzero(evidence >= _WORTH_A_LOOK)):
        # It may be the beginning of the interruption or, where that was a small change, its end.
        bounds = [(at, end) for end in range(at + 1, min(at + _LONGEST, last) + 1)]
        bounds += [(first, at) for first in range(at - 1, max(at - _LONGEST, 1) - 1, -1)]
        found += [frames for frames in bounds if _goes_on(pairs, *frames)][:1]
    return found


def _goes_on(pairs: FramePairs, first: int, end: int) -> bool:
    """Tell whether frames [first, end) interrupt a scene."""
    before, lag = first - 1, end - first + 1
    limit = _SAME
    if _is_pulse(pairs, first, end):
        usual = [
            pairs.mismatch(start, start + lag)
            for start in (before - lag, end)
            if start >= 0 and start + lag < len(pairs)
        ]
        limit += min(usual, default=0.0)
    else:
        limit = min(limit, pairs.mismatch(before, first) / 2, pairs.mismatch(end - 1, end) / 2)
    return pairs.mismatch(before, end) <= limit


def _is_pulse(pairs: FramePairs, first: int, end: int) -> bool:
    """Tell whether frames [first, end) stand out in brightness, and by more than the sides do."""
    sides = [pairs.brightness(first - 1), pairs.brightness(end)]
    inside = np.array([pairs.brightness(frame) for frame in range(first, end)])
    least = max(_PULSE, abs(sides[0] - sides[1]))
    brighter, darker = inside - max(sides), min(sides) - inside
    return any(side.min() > 0 and side.mean() >= least for side in (brighter, darker))
