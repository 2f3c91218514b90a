"""The outline of a moving region, from its colours.

Method: GrabCut (Rother, Kolmogorov, Blake, SIGGRAPH 2004), free only where motion cannot tell:
in a band about the edge, where the background has no texture, and where no frame could be
compared. Everything else is fixed by the motion.
"""

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.objects.moving.evidence import Evidence
from clipmill.vision.masks import Mask, components, grow, shrink, window_of

_BAND = 0.012
_MARGIN = 0.06
_ROUNDS = 3
_PHOTOMETRIC = 1.5
_MIN_SIDE = 50


def refine(
    picture: npt.NDArray[np.uint8],
    region: Mask,
    others: Mask,
    evidence: Evidence,
    *,
    speed: float,
) -> Mask:
    """Fit the outline of a region to the picture.

    Args:
        picture: uint8 [H, W, 3], RGB, the anchor at the working size.
        region: bool [H, W], the region as motion shows it.
        others: bool [H, W], the other movers; they are background here.
        evidence: Motion around the anchor.
        speed: Median speed of the region, working pixels per frame.

    Returns:
        bool [H, W]; the region itself where colours cannot improve on it.
    """
    band = max(2, round(_BAND * max(region.shape)))
    core = shrink(region, band)
    textured = cv2.blur(evidence.photometric, (9, 9)) > _PHOTOMETRIC
    still = (evidence.speed < 0.3 * speed) & (evidence.trust > 0.3)
    near = grow(region, band)
    labels = np.full(region.shape, cv2.GC_BGD, np.uint8)
    labels[near] = cv2.GC_PR_BGD
    labels[region] = cv2.GC_PR_FGD
    labels[core & textured] = cv2.GC_FGD
    labels[(still & ~grow(core, band)) | (others & ~core)] = cv2.GC_BGD
    place = window_of(near, margin=round(_MARGIN * max(region.shape)))
    cut = labels[place].copy()
    if not ((cut == cv2.GC_FGD).any() and (cut == cv2.GC_BGD).any()):
        return region
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    view = np.ascontiguousarray(picture[place])
    cv2.grabCut(view, cut, None, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    fitted = np.zeros_like(region)
    fitted[place] = (cut == cv2.GC_FGD) | (cut == cv2.GC_PR_FGD)
    fitted = cv2.medianBlur(fitted.astype(np.uint8), 5) > 0
    pieces = components(fitted, min_pixels=0.1 * region.sum())
    result = np.logical_or.reduce(pieces) if pieces else region
    # Colours that swallow or lose most of a region were no help.
    return result if 0.5 <= result.sum() / region.sum() <= 1.6 else region
