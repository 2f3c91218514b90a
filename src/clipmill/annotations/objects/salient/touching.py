"""Takes what moves out of a component in which most stands still.

A network for salient things does not tell two of them apart that touch in the picture: somebody
who walks past a statue is one component with it. A limb of somebody who sits is one with the rest
of them as well, but there the network, asked about the crop of what moves, shows the rest too, or
nothing that ends where the motion ends. So a mover is taken alone only where motion is sure of it
and the network agrees with motion about its outline.
"""

from collections.abc import Callable, Sequence

import numpy as np

from clipmill.annotations.objects.moving.movers import Motion, Mover
from clipmill.annotations.objects.propagation.look import own_components
from clipmill.vision.masks import Mask, SoftMask, grow, overlap

MOVES_AS_ONE = 0.7
"""Share of a component that moves, from which all of it does."""

_SURE = 0.3  # confidence of the mover; of limbs it is .1 and less
_WITHIN = 0.7  # share of the mover, and of what the network shows, within the component
_AGREE = 0.6  # overlap of the mover with what the network shows about it
_SLOW = 0.3  # of the mover's speed
_EDGE = 0.05  # of the square root of the mover's area
_SMALLER = 0.55  # share of the component that is left with it; more is a part of the whole


def movers_within(
    part: Mask, movers: Sequence[Mover], look: Callable[[Mask], SoftMask], motion: Motion
) -> list[tuple[Mask, SoftMask]]:
    """Return what moves on its own within a component, outlined by the network.

    Args:
        part: bool [H, W], a component.
        movers: Regions that motion shows in the frame.
        look: Returns what the network sees in the crop about a mask, float32 [H, W].
        motion: Measured about the frame.

    Returns:
        Masks, bool [H, W], with what the network sees about each, the largest mover first; empty
        where the component is one thing.
    """
    found = []
    for mover in movers:
        inside = (mover.mask & part).sum()
        if mover.confidence < _SURE or inside < _WITHIN * mover.mask.sum():
            continue
        if inside > _SMALLER * part.sum():
            continue
        soft = look(mover.mask)
        seen = own_components(soft > 0.5, mover.mask)
        if overlap(seen, mover.mask) < _AGREE or seen.sum() > _SMALLER * part.sum():
            continue
        alone = seen & ~_still(mover, motion)
        if (alone & part).sum() >= _WITHIN * alone.sum():
            found.append((alone, soft))
    return found


def _still(mover: Mover, motion: Motion) -> Mask:
    """Return what surely stands still, but for the mover's edge, bool [H, W]."""
    evidence = motion.evidence
    slow = (evidence.speed < _SLOW * mover.speed) & (evidence.trust > 0)
    edge = max(2, round(_EDGE * float(np.sqrt(mover.mask.sum()))))
    return slow & ~grow(mover.mask, edge)
