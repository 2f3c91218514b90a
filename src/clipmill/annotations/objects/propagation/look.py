"""Looks again at a thing that was carried: where does it really end?

A network sees the crop about the carried mask (Qin et al., ECCV 2022, see `models.isnet`), and
GrabCut (Rother, Kolmogorov, Blake, SIGGRAPH 2004) settles by colour where the two disagree, or
fits the edge alone where there is no network. Each gives a candidate; the one that looks most
like the thing wins, so that a crop in which the network prefers something else does no harm.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from clipmill.annotations.objects.propagation.appearance import Appearance
from clipmill.annotations.objects.propagation.frames import ClipFrames, Picture
from clipmill.annotations.objects.propagation.growth import standing, without_bystanders
from clipmill.vision.masks import Mask, SoftMask, components, disc, grow, overlap, window_of

Network = Callable[[Picture], SoftMask]
"""uint8 [H, W, 3], RGB, of any size -> float32 [H, W] in [0, 1]."""

_MARGIN = 0.25  # of the mask's box, each side; more lets the network prefer something else
_REACH = 0.2  # of the square root of the area: how far a mask may grow beyond the carried one
_OWN = 0.25  # share of a component that must lie on the carried mask
_LARGER = 3  # crops about a thing that is cut
_CUT = 8  # pixels along the border of a crop
_AGREE = 0.75  # overlap above which there is nothing to settle
_TRUST_NETWORK = 0.75
_PREFER = {"network": 0.05, "whole": 0.03, "settled": 0.03, "carried": 0.0}
_LESS_FOR_DOUBT = 0.05
_DOUBT = 0.6


@dataclass(frozen=True)
class Look:
    """What was seen.

    Attributes:
        soft: float32 [H, W] in [0, 1].
        likeness: How much it looks like the thing, [0, 1].
    """

    soft: SoftMask
    likeness: float

    @property
    def mask(self) -> Mask:
        """Where the thing is, bool [H, W]."""
        return np.asarray(self.soft > 0.5, bool)


def see_crop(
    frames: ClipFrames,
    frame: int,
    mask: Mask,
    network: Network,
    *,
    margin: float = _MARGIN,
    larger: bool = True,
) -> SoftMask:
    """Return what the network sees in the crop about a mask, float32 [H, W], 0 outside of it.

    A thing that grows (it comes nearer, or back into the picture) is cut by a crop about its old
    mask; where what is seen reaches the crop's border, larger crops are looked at, if `larger`.
    """
    box = _box_about(mask, margin)
    seen = _see(frames, frame, box, network)
    for _ in range(_LARGER if larger else 0):
        own = own_components(seen > 0.5, mask)
        if not _is_cut(own, box):
            break
        wider = _box_about(mask | own, 2 * margin)
        if wider == box:
            break
        box, seen = wider, _see(frames, frame, wider, network)
    return seen


Box = tuple[int, int, int, int]
"""x0, y0, x1, y1, half-open."""


def _box_about(mask: Mask, margin: float) -> Box:
    """Return the box of a mask with a margin, within the picture, working pixels."""
    height, width = mask.shape
    x, y, across, down = cv2.boundingRect(mask.astype(np.uint8))
    more_x, more_y = max(round(margin * across), 6), max(round(margin * down), 6)
    return (
        max(0, x - more_x),
        max(0, y - more_y),
        min(width, x + across + more_x),
        min(height, y + down + more_y),
    )


def _is_cut(found: Mask, box: Box) -> bool:
    """Return whether a mask reaches the border of a box where that is not the picture's."""
    height, width = found.shape
    x0, y0, x1, y1 = box
    return bool(
        (x0 > 0 and found[y0:y1, x0 : x0 + 2].sum() > _CUT)
        or (x1 < width and found[y0:y1, x1 - 2 : x1].sum() > _CUT)
        or (y0 > 0 and found[y0 : y0 + 2, x0:x1].sum() > _CUT)
        or (y1 < height and found[y1 - 2 : y1, x0:x1].sum() > _CUT)
    )


def _see(frames: ClipFrames, frame: int, box: Box, network: Network) -> SoftMask:
    """Return what the network sees in a box, float32 [H, W], 0 outside of it."""
    width, height = frames.work
    picture = frames.detail(frame)
    scale_x, scale_y = picture.shape[1] / width, picture.shape[0] / height
    x0, y0, x1, y1 = box
    rows = slice(int(y0 * scale_y), int(y1 * scale_y))
    columns = slice(int(x0 * scale_x), int(x1 * scale_x))
    whole = np.zeros(picture.shape[:2], np.float32)
    whole[rows, columns] = network(np.ascontiguousarray(picture[rows, columns]))
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def look_again(
    frames: ClipFrames,
    frame: int,
    carried: SoftMask,
    known: Appearance,
    network: Network | None,
    *,
    sure: float,
    larger: bool = True,
) -> Look:
    """Fit a carried mask to the picture.

    Args:
        frames: The clip.
        frame: Where.
        carried: float32 [H, W], not empty.
        known: What the thing looks like.
        network: Sees foreground in a crop; None where there is none.
        sure: Share of the mask that the flow carried reliably since the last look, [0, 1].
        larger: Whether the network may look again where its crop cuts what it shows.
    """
    mask = np.asarray(carried > 0.5, bool)
    rgb = frames.small(frame)
    lab = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.uint8)
    near = grow(mask, max(3, int(_REACH * np.sqrt(mask.sum()))))
    candidates: dict[str, Mask] = {"carried": mask}
    seen = None
    if network is not None:
        seen = see_crop(frames, frame, mask, network, larger=larger)
        whole = without_bystanders(frames, frame, own_components(seen > 0.5, mask), mask)
        dragged = standing(frames, frame, mask) & ~(seen > 0.5)
        candidates |= {"network": whole & near, "whole": whole, "carried": mask & ~dragged}
        if overlap(whole & near, mask) < _AGREE:
            settled = _settle(rgb, mask, np.where(whole, seen, 0).astype(np.float32), near)
            candidates |= {"settled": settled} if settled is not None else {}
    else:
        fitted = _fit_edge(rgb, mask)
        candidates |= {"settled": fitted} if fitted is not None else {}
    scores = {
        name: known.likeness(lab, found) * known.size_fit(found)
        for name, found in candidates.items()
    }
    # Colours alone must do better than what came with the flow; a network may be trusted first.
    prefer = dict(_PREFER) if network is not None else dict.fromkeys(_PREFER, 0.0)
    if sure < _DOUBT:
        prefer["carried"] -= _LESS_FOR_DOUBT
    best = max(candidates, key=lambda name: scores[name] + prefer[name])
    return Look(_blend(candidates[best], carried, seen, best), scores[best])


def _blend(chosen: Mask, carried: SoftMask, seen: SoftMask | None, name: str) -> SoftMask:
    """Return the chosen mask as a soft one that keeps how sure both sides were."""
    if name == "carried":
        return np.where(chosen, carried, np.minimum(carried, 0.45)).astype(np.float32)
    mixed = carried if seen is None else _TRUST_NETWORK * seen + (1 - _TRUST_NETWORK) * carried
    soft = np.where(chosen, np.maximum(mixed, 0.55), np.minimum(mixed, 0.45))
    soft[~grow(chosen, 3) & (carried < 0.5)] = 0
    return np.asarray(soft, np.float32)


def own_components(found: Mask, mask: Mask) -> Mask:
    """Return the components of what was found that belong to a mask, bool [H, W]."""
    kept = np.zeros_like(mask)
    for part in components(found, min_pixels=4):
        shared = int((part & mask).sum())
        if shared > _OWN * part.sum() or shared > 0.3 * mask.sum():
            kept |= part
    return kept


def _settle(rgb: Picture, mask: Mask, seen: SoftMask, near: Mask) -> Mask | None:
    """Let colours decide where the carried mask and the network disagree."""
    found = seen > 0.5
    labels = np.full(mask.shape, cv2.GC_BGD, np.uint8)
    labels[near] = cv2.GC_PR_BGD
    labels[near & (found | mask)] = cv2.GC_PR_FGD
    core = cv2.erode((mask & found).astype(np.uint8), disc(1)) > 0
    labels[core] = cv2.GC_FGD
    labels[near & ~mask & (seen < 0.2)] = cv2.GC_BGD
    return _grab(rgb, labels, near) if core.any() else None


def _fit_edge(rgb: Picture, mask: Mask) -> Mask | None:
    """Fit the edge of a mask to the colours, in a band about it."""
    band = max(2, round(0.008 * max(mask.shape)))
    near = grow(mask, 2 * band)
    core = ~grow(~mask, band)
    labels = np.full(mask.shape, cv2.GC_BGD, np.uint8)
    labels[near] = cv2.GC_PR_BGD
    labels[mask] = cv2.GC_PR_FGD
    labels[core] = cv2.GC_FGD
    fitted = _grab(rgb, labels, near) if core.any() else None
    if fitted is None or not 0.7 <= fitted.sum() / mask.sum() <= 1.5:
        return None
    return fitted


def _grab(rgb: Picture, labels: Picture, near: Mask) -> Mask | None:
    """Run GrabCut on the window of `near`; None where there is no background in it."""
    place = window_of(near, margin=8)
    cut = labels[place].copy()
    if not (cut == cv2.GC_BGD).any():
        return None
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    view = np.ascontiguousarray(rgb[place])
    cv2.grabCut(view, cut, None, *models, 1, cv2.GC_INIT_WITH_MASK)
    fitted = np.zeros(near.shape, bool)
    fitted[place] = (cut == cv2.GC_FGD) | (cut == cv2.GC_PR_FGD)
    return fitted
