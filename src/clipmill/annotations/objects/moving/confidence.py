"""How clearly a region moves on its own, as one number a selection can use.

The confidence is a product, so one failed test is enough to bring it down:

- speed: how far above the floor the region moves;
- contrast: how much slower the ring about it is (a flow error has no edge);
- texture: whether the picture itself tells the region from the background;
- trust: whether its flow goes there and back;
- background: whether one camera motion explains the rest of the picture;
- parallax: whether the residual streams out of (or into) one point outside of the region, as it
  does when the camera itself drives through a scene with depth.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipmill.annotations.objects.moving.evidence import Evidence
from clipmill.vision.masks import Mask, grow

_RING = 0.03
_GAP = 0.012
_SAMPLES = 1500
_HYPOTHESES = 200
_COSINE = float(np.cos(np.radians(12)))


@dataclass(frozen=True)
class Stream:
    """A pattern of motion along lines through one point, as the parallax of a moving camera.

    Attributes:
        centre: x, y of the point, working pixels.
        strength: [0, 1]: share of the motion that follows it, times how widely its directions
            spread; near 0 for the parallel motion of a single rigid mover.
    """

    centre: tuple[float, float]
    strength: float


def find_stream(evidence: Evidence, moving: Mask) -> Stream:
    """Fit a stream to the residual motion of the moving pixels, by RANSAC with a fixed seed."""
    rows, columns = np.nonzero(moving)
    speed = evidence.speed[rows, columns]
    if len(rows) < 50:
        return Stream((0.0, 0.0), 0.0)
    rng = np.random.default_rng(0)
    pick = rng.choice(len(rows), min(len(rows), _SAMPLES), replace=False)
    points = np.stack([columns[pick], rows[pick]], axis=1).astype(float)
    heading = evidence.velocity[rows[pick], columns[pick]] / np.maximum(speed[pick, None], 1e-6)
    spread = 1 - float(np.linalg.norm(heading.mean(axis=0)))
    pairs = rng.integers(0, len(points), (_HYPOTHESES, 2))
    best = Stream((0.0, 0.0), 0.0)
    for first, second in pairs:
        centre = _crossing(points[first], heading[first], points[second], heading[second])
        if centre is None:
            continue
        away = points - centre
        away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
        along = (away * heading).sum(axis=1)
        # All outwards or all inwards: a camera moves one way.
        share = max(float((along > _COSINE).mean()), float((along < -_COSINE).mean()))
        if share > best.strength:
            best = Stream((float(centre[0]), float(centre[1])), share)
    widely = min(1.0, spread / 0.3)
    return Stream(best.centre, max(0.0, (best.strength - 0.4) / 0.5) * widely)


def _crossing(
    a: npt.NDArray[np.floating],
    along_a: npt.NDArray[np.floating],
    b: npt.NDArray[np.floating],
    along_b: npt.NDArray[np.floating],
) -> npt.NDArray[np.floating] | None:
    """Return where two lines meet; None when they are nearly parallel."""
    matrix = np.stack([along_a, -along_b], axis=1)
    if abs(np.linalg.det(matrix)) < 0.05:
        return None
    return a + along_a * np.linalg.solve(matrix, b - a)[0]


def _ramp(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1))


def confidence_of(mask: Mask, evidence: Evidence, stream: Stream, *, floor: float) -> float:
    """Return the confidence of one region.

    Args:
        mask: bool [H, W], not empty.
        evidence: Motion around the anchor.
        stream: What `find_stream` found at this anchor.
        floor: Speed at and below which things stand still, working pixels per frame.

    Returns:
        [0, 1].
    """
    side = max(mask.shape)
    speed = float(np.median(evidence.speed[mask]))
    ring = grow(mask, round(_RING * side)) & ~grow(mask, round(_GAP * side))
    around = float(np.median(evidence.speed[ring])) if ring.any() else speed
    x, y = round(stream.centre[0]), round(stream.centre[1])
    height, width = mask.shape
    own = 0 <= x < width and 0 <= y < height and bool(grow(mask, round(_RING * side))[y, x])
    terms = (
        1 - float(np.exp(-max(0.0, speed / floor - 1))),
        float(np.clip(1 - around / max(speed, 1e-6), 0, 1)),
        _ramp(float((evidence.photometric[mask] > 1).mean()), 0, 0.4),
        _ramp(float(evidence.trust[mask].mean()), 0, 0.4),
        # A plain wall has few vectors that agree; that is doubt, not proof against a mover.
        0.4 + 0.6 * _ramp(evidence.inlier_share, 0.1, 0.5),
        # What streams from a point on the region itself is the region coming nearer.
        1.0 if own else 1 - stream.strength,
    )
    return float(np.prod(terms))
