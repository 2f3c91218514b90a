"""Chooses among what a network says stands out: what moves on its own, and what it has missed.

A network for salient things knows outlines but not motion; it also finds statues, parked cars and
the wall in front. Motion knows what moves but hardly where it ends. So the network proposes
components, motion chooses among them, and a region that clearly moves where the network saw
nothing is proposed as motion shows it.
"""

import numpy as np

from clipmill.annotations.objects.moving.movers import Limits, Motion, Mover
from clipmill.annotations.objects.propagation.identities import Proposal
from clipmill.vision.masks import Mask, SoftMask, components

_MOVING_SHARE = 0.12  # of a component's pixels that must move: limbs move first
_MISSED = 0.3  # share of a mover that may lie on what the network saw
_SURE_ALONE = 0.3  # confidence of a mover that the network does not see


def propose(
    soft: SoftMask | None, movers: list[Mover], motion: Motion | None, limits: Limits
) -> list[Proposal]:
    """Return what may be things that move on their own, the largest first.

    Args:
        soft: float32 [H, W], what the network sees in the whole frame; None without a network.
        movers: Regions that motion shows by itself.
        motion: Measured about the frame; None when nothing could be compared.
        limits: What counts as a mover.
    """
    if soft is None:
        return [Proposal(_as_soft(one.mask), one.confidence, one.speed) for one in movers]
    seen = np.asarray(soft > 0.5, bool)
    found: list[Proposal] = []
    for part in components(seen, min_pixels=limits.min_area * seen.size):
        if part.mean() > limits.max_area or motion is None:
            continue
        share, speed = _motion_of(part, motion)
        if share >= _MOVING_SHARE:
            sure = float(soft[part].mean()) * min(1.0, 0.5 + share)
            found.append(Proposal(np.where(part, soft, 0).astype(np.float32), sure, speed))
    for mover in movers:
        hidden = (mover.mask & seen).sum() <= _MISSED * mover.mask.sum()
        if hidden and mover.confidence >= _SURE_ALONE:
            found.append(Proposal(_as_soft(mover.mask), mover.confidence, mover.speed))
    return sorted(found, key=lambda one: -int(one.mask.sum()))


def _motion_of(part: Mask, motion: Motion) -> tuple[float, float]:
    """Return the share of a component that moves on its own, and its own speed."""
    moving = motion.moving & part
    share = float(moving.sum() / part.sum())
    speeds = motion.evidence.speed[moving if moving.any() else part]
    return share, float(np.median(speeds))


def _as_soft(mask: Mask) -> SoftMask:
    return np.asarray(mask * 0.9, np.float32)
