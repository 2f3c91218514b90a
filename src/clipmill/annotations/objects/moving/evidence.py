"""How much every pixel of the anchor moves against the background.

Flows start at the anchor and reach several frames to both sides, so nothing accumulates along
a path and nothing is smeared. A pixel hidden on one side is usually visible on the other; where
neither side can be trusted it counts as background, because what a mover is about to cover, or
has just uncovered, is background.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipmill.annotations.objects.moving.background import fit_background, mismatch
from clipmill.annotations.objects.moving.parallax import FlowMatches, matches_of
from clipmill.vision.dense_flow import Field, FlowEstimator, Gray, lengths

Map = npt.NDArray[np.float32]

_FURTHEST = 2  # distances to each side at which parallax shows
_RIM = 0.12  # of the shorter side
_MOST_NOISE = 0.3  # working pixels per frame; a rim that moves more shows an object, not noise


@dataclass(frozen=True)
class Evidence:
    """Motion against the background around an anchor, in working pixels per frame.

    Attributes:
        speed: float32 [H, W], weighted mean of the residual's length; 0 where unknown.
        velocity: float32 [H, W, 2], weighted mean of the residual.
        trust: float32 [H, W], share of the weight that passed the forward-backward check.
        photometric: float32 [H, W]: how much worse the background's motion explains the
            picture than the flow does, in grey levels; near 0 where there is no texture to tell.
        noise: Typical speed of background pixels: what the flow's own error amounts to. Measured
            along the rim of the picture, where a large thing in the middle is not, and never
            more than flow can be wrong.
        grain: Typical grey difference that the flow leaves unexplained: the sensor's noise.
        inlier_share: Mean share of the flow that the background explains, [0, 1].
        frames: Number of frames that could be compared with the anchor.
        matches: Of the anchor with the frames that are furthest off, see `parallax`.
    """

    speed: Map
    velocity: Field
    trust: Map
    photometric: Map
    noise: float
    grain: float
    inlier_share: float
    frames: int
    matches: tuple[FlowMatches, ...] = ()


def measure(anchor: Gray, others: Mapping[int, Gray], flows: FlowEstimator) -> Evidence | None:
    """Compare an anchor with its neighbours.

    Args:
        anchor: uint8 [H, W].
        others: Frames by their distance from the anchor in frames, negative before it.
        flows: The flow estimator.

    Returns:
        The evidence, or None when no neighbour could be compared (a cut, noise, one frame).
    """
    height, width = anchor.shape
    weight = np.zeros((height, width), np.float32)
    speed = np.zeros_like(weight)
    velocity = np.zeros((height, width, 2), np.float32)
    photometric = np.zeros_like(weight)
    rest = np.zeros_like(weight)
    shares: list[float] = []
    total = 0.0
    matches: list[FlowMatches] = []
    furthest = sorted({abs(distance) for distance in others})[-_FURTHEST:]
    for distance, other in others.items():
        flow = flows.checked(anchor, other)
        if abs(distance) in furthest:
            matches.append(matches_of(flow))
        background = fit_background(anchor, other, flow)
        if background is None:
            continue
        residual = ((flow.vectors - background.motion) / distance).astype(np.float32)
        # Longer distances measure the same speed with proportionally less error.
        trusted = (flow.consistent * abs(distance)).astype(np.float32)
        weight += trusted
        total += abs(distance)
        speed += trusted * lengths(residual)
        velocity += trusted[..., None] * residual
        left = mismatch(anchor, other, flow.vectors)
        photometric += trusted * (background.mismatch - left)
        rest += trusted * left
        shares.append(background.inlier_share)
    if not shares:
        return None
    safe = np.maximum(weight, 1e-6)
    speed /= safe
    known = speed[weight > 0]
    rim = speed[_rim(height, width) & (weight > 0)]
    return Evidence(
        speed=speed,
        velocity=(velocity / safe[..., None]).astype(np.float32),
        trust=(weight / total).astype(np.float32),
        photometric=(photometric / safe).astype(np.float32),
        noise=_noise_of(rim),
        grain=float(np.median((rest / safe)[weight > 0])) if known.size else 0.0,
        inlier_share=float(np.mean(shares)),
        frames=len(shares),
        matches=tuple(matches),
    )


def _rim(height: int, width: int) -> npt.NDArray[np.bool_]:
    """Return the border of the picture, bool [H, W]."""
    rim = np.ones((height, width), bool)
    band = round(_RIM * min(height, width))
    rim[band : height - band, band : width - band] = False
    return rim


def _noise_of(speeds: Map) -> float:
    """Return the typical speed of what stands still among speeds along the rim."""
    return min(_MOST_NOISE, float(np.percentile(speeds, 30))) if speeds.size else 0.0
