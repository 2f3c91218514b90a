"""Hard cuts: a frame that no motion leads to from the one before, though motion leads to others."""

import numpy as np
import numpy.typing as npt

from clipmill.annotations.shots.transitions.pairs import FramePairs

_ALIKE = 0.35
"""Frames that differ by less, without any motion, over their contrast, need no closer look."""
_LEAST_CHANGE = 2.0
"""8-bit levels; less is no cut even between dark frames."""
_STILL = 0.35
"""The mismatch that is a cut where nothing moves; motion near asks for more."""
_MOVING = 1.5
"""By how many times the mismatch of the frames near."""
_CHANGED = 0.5
"""Share of the picture that a cut changes; a title or a thing that passes changes less."""
_NEAR = 2


def cut_evidence(pairs: FramePairs) -> npt.NDArray[np.float32]:
    """Return how far every frame is from following the one before; 1 is a cut.

    Returns:
        float32 [T], at least 0. Frame 0 has 0, and so has every frame much like the one before.
    """
    evidence = np.zeros(len(pairs), np.float32)
    for at in range(1, len(pairs)):
        levels, contrast = pairs.difference(at - 1, at)
        if levels >= _LEAST_CHANGE and contrast >= _ALIKE:
            around = [
                pairs.mismatch(near - 1, near)
                for near in range(max(1, at - _NEAR), min(at + _NEAR + 1, len(pairs)))
                if near != at
            ]
            usual = float(np.median(around)) if around else 0.0
            evidence[at] = min(
                pairs.mismatch(at - 1, at) / (_STILL + _MOVING * usual),
                pairs.changed(at - 1, at) / _CHANGED,
            )
    return evidence
