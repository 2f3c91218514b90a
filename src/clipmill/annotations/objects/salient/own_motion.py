"""Whether something in the picture moves otherwise than what lies about it.

A rail moves past a travelling camera, but so does the wall behind it; a person in front of the
wall does not go with it. So the motion of a component is compared with the ring about it, not
with one motion of the whole background; and what parallax explains is no motion of its own.
"""

from dataclasses import dataclass

import numpy as np

from clipmill.annotations.objects.moving.movers import Motion
from clipmill.annotations.objects.moving.parallax import stands_still
from clipmill.vision.masks import Mask, grow, shrink

_GAP, _RING = 0.01, 0.05  # of the longer side: where the ring begins and ends
_SHARE_OF_RING = 0.35  # of the ring's own motion that a pixel must differ by
_MOST_FLOOR = 0.5  # working pixels per frame; water and leaves raise the floor of the whole frame
_FEWEST = 0.1  # share of a component whose motion must be known
_UNKNOWN = 0.3  # share of motion given to what moves too fast to be measured


@dataclass(frozen=True)
class OwnMotion:
    """Motion of a component against its surroundings.

    Attributes:
        share: Share of its pixels that move otherwise than the ring about it, [0, 1].
        speed: Median speed of those against the ring, working pixels per frame.
    """

    share: float
    speed: float


def own_motion(part: Mask, motion: Motion) -> OwnMotion:
    """Measure a component against the ring about it.

    Args:
        part: bool [H, W], not empty.
        motion: Measured about the frame.
    """
    evidence = motion.evidence
    side = max(part.shape)
    known = evidence.trust > 0
    ring = grow(part, round(_RING * side)) & ~grow(part, max(2, round(_GAP * side))) & known
    core = shrink(part, 2) & known
    inner = core if core.any() else part & known
    if not ring.any() or inner.sum() < _FEWEST * part.sum():
        # Too fast or too blurred to be followed, in front of something that can be: it moves.
        fast = bool(ring.any()) and evidence.trust[ring].mean() > 2 * evidence.trust[part].mean()
        return OwnMotion(_UNKNOWN if fast else 0.0, 0.0)
    about = np.median(evidence.velocity[ring], axis=0)
    apart = np.linalg.norm(evidence.velocity[inner] - about, axis=1)
    least = max(min(motion.floor, _MOST_FLOOR), _SHARE_OF_RING * float(np.linalg.norm(about)))
    moves = apart > least
    speed = float(np.median(apart[moves])) if moves.any() else 0.0
    if moves.any() and stands_still(part, evidence.matches):
        return OwnMotion(0.0, speed)
    return OwnMotion(float(moves.mean()), speed)
