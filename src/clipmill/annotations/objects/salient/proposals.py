"""Chooses among what a network says stands out: what moves on its own, and what it has missed.

A network for salient things knows outlines but not motion; it also finds statues, parked cars and
the wall in front. Motion knows what moves but hardly where it ends. So the network proposes
components and motion chooses among them; where something clearly moves and the network saw
nothing, it is asked again about the crop, and must agree.
"""

from collections.abc import Callable, Sequence

import numpy as np

from clipmill.annotations.objects.moving.movers import Limits, Motion, Mover
from clipmill.annotations.objects.propagation.identities import Proposal
from clipmill.annotations.objects.propagation.look import own_components
from clipmill.annotations.objects.salient.own_motion import OwnMotion, own_motion
from clipmill.annotations.objects.salient.touching import MOVES_AS_ONE, movers_within
from clipmill.vision.masks import Mask, SoftMask, components, overlap

_MOVING_SHARE = 0.15  # of a component's pixels that must move: limbs move first
_MOVING_ALONE = 0.4  # the same for a region that only motion shows
_MISSED = 0.3  # share of a mover that may lie on what the network saw
_SURE_ALONE = 0.2  # confidence of a mover that the network has missed
_CONFIRMED = 0.4  # overlap of a mover with what the network sees in its crop


def from_motion(movers: Sequence[Mover], motion: Motion) -> list[Proposal]:
    """Return movers that also move against what lies about them, the largest first.

    Args:
        movers: Regions that motion shows by itself.
        motion: Measured about the frame.
    """
    return [
        Proposal(_as_soft(one.mask), one.confidence, one.speed)
        for one in movers
        if own_motion(one.mask, motion).share >= _MOVING_ALONE
    ]


def from_network(
    soft: SoftMask,
    motion: Motion,
    limits: Limits,
    *,
    movers: Callable[[], Sequence[Mover]],
    look: Callable[[Mask], SoftMask],
) -> list[Proposal]:
    """Return the components of what stands out that move on their own, the largest first.

    Args:
        soft: float32 [H, W], what the network sees in the whole frame.
        motion: Measured about the frame.
        limits: What counts as a mover.
        movers: Returns the regions that motion shows by itself; asked where a component moves in
            part only.
        look: Returns what the network sees in the crop about a mask, float32 [H, W].
    """
    seen = np.asarray(soft > 0.5, bool)
    found: list[Proposal] = []
    for part in components(seen, min_pixels=limits.min_area * seen.size):
        own = own_motion(part, motion)
        alone = movers_within(part, movers(), look, motion) if 0 < own.share < MOVES_AS_ONE else []
        for mask, closer in alone:
            found.append(_proposal(mask, closer, own_motion(mask, motion)))
        if not alone and own.share >= _MOVING_SHARE and part.mean() <= limits.max_area:
            found.append(_proposal(part, soft, own))
    return found


def from_crops(
    movers: Sequence[Mover],
    seen: Mask,
    look: Callable[[Mask], SoftMask],
    motion: Motion,
    limits: Limits,
) -> list[Proposal]:
    """Return movers that the network missed in the whole frame and sees in their crops.

    Args:
        movers: Regions that motion shows by itself.
        seen: bool [H, W]: what stood out in the whole frame, and what is known already.
        look: Returns what the network sees in the crop about a mask, float32 [H, W].
        motion: Measured about the frame.
        limits: What counts as a mover.
    """
    found: list[Proposal] = []
    for mover in movers:
        known = (mover.mask & seen).sum() > _MISSED * mover.mask.sum()
        if known or mover.confidence < _SURE_ALONE:
            continue
        soft = look(mover.mask)
        whole = own_components(soft > 0.5, mover.mask)
        if whole.mean() < limits.min_area or overlap(whole, mover.mask) < _CONFIRMED:
            continue
        own = own_motion(whole, motion)
        if own.share > 0:
            found.append(_proposal(whole, soft, own))
    return found


def _proposal(part: Mask, soft: SoftMask, own: OwnMotion) -> Proposal:
    sure = float(soft[part].mean()) * min(1.0, 0.5 + own.share)
    return Proposal(np.where(part, soft, 0).astype(np.float32), sure, own.speed)


def _as_soft(mask: Mask) -> SoftMask:
    return np.asarray(mask * 0.9, np.float32)
