"""How far each visible stretch of a track can be trusted: carried back, does it come home?

A track that is hidden for a while, or ends because the object has left, says nothing there; so
the way back is walked stretch by stretch, from the last frame in which the point was seen to the
first, and an exit is a good end. Where a point looks as it did at its anchor it is where it should
be, whatever the flow at an outline says, and a stretch ends there too.
"""

from collections.abc import Sequence

import numpy as np

from clipmill.annotations.tracks.chained_flow.follow import Followed, vectors_at
from clipmill.vision.arrays import Floats
from clipmill.vision.dense_flow import Field

LONGEST = 16
"""Frames after which a stretch is taken for two: things that bend do not come home from afar."""


def way_back(followed: Followed, backs: Sequence[Field]) -> Floats:
    """Return how far from home each point ends, worst stretch first.

    Args:
        followed: T frames of tracks.
        backs: T - 1 fields float32 [H, W, 2], flow from frame t + 1 to t.

    Returns:
        float [N], working pixels: the mean over the point's stretches, by their frames, of the
        distance between where a stretch began and where its end is carried back to; infinite for
        a point that is never seen in two frames after each other.
    """
    length, count = followed.visible.shape
    total, frames = np.zeros(count), np.zeros(count)
    here = followed.points[-1].copy()
    walked = np.zeros(count, int)
    for t in range(length - 2, -1, -1):
        together = followed.visible[t] & followed.visible[t + 1]
        fresh = together & (walked == 0)
        here[fresh] = followed.points[t + 1][fresh]
        here[together] += vectors_at(backs[t], here)[together]
        walked = np.where(together, walked + 1, 0)
        ends = together & (
            (walked >= LONGEST)
            | followed.recognised[t]
            | (t == 0)
            | ~(followed.visible[t - 1] if t else together)
        )
        miss = np.linalg.norm(here - followed.points[t], axis=1)
        total[ends] += (miss * walked)[ends]
        frames[ends] += walked[ends]
        walked[ends] = 0
    return np.where(frames > 0, total / np.maximum(frames, 1), np.inf)
