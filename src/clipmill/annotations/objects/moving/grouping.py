"""From a map of motion to one mask per independently moving region.

Pixels faster than the floor, and faster than half of what moves beside them (a flow blurs across
the edge of an object, and half speed is where the edge lies), are joined to connected regions. A
region whose motion falls into two clearly different halves is two touching movers and is cut
between them.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.objects.moving.evidence import Evidence
from clipmill.vision.kmeans import Clusters
from clipmill.vision.masks import Mask, components, disc

_NOISE_FACTOR = 5.0
_CLOSE = 0.01
_BLUR = 0.016
_MIN_GAIN = 1.0  # grey levels
_GAIN_OVER_GRAIN = 1.0
_SPLIT_SHARE = 0.2
_SPLIT_RATIO = 7.0
_SPLIT_WHOLE = 0.8
_MAX_SAMPLES = 4000
_MAX_DEPTH = 3


@dataclass(frozen=True)
class MovingRegion:
    """A moving region before its outline is refined.

    Attributes:
        mask: bool [H, W].
        speed: Median speed inside against the background, working pixels per frame.
    """

    mask: Mask
    speed: float


def find_regions(evidence: Evidence, *, min_speed: float, min_area: float) -> list[MovingRegion]:
    """Find the regions that move on their own.

    Args:
        evidence: Motion around the anchor.
        min_speed: Floor in working pixels per frame; what is slower stands still. Raised to
            five times the noise of the background.
        min_area: Smallest region, share of the frame.

    Returns:
        Disjoint regions, largest first.
    """
    radius = max(1, round(_CLOSE * max(evidence.speed.shape)))
    moving = moving_pixels(evidence, min_speed=min_speed)
    closed = cv2.morphologyEx(moving.astype(np.uint8), cv2.MORPH_CLOSE, disc(radius)) > 0
    found: list[MovingRegion] = []
    min_pixels = min_area * moving.size
    for whole in components(closed, min_pixels=min_pixels / 2):
        for part in _split(whole & moving, evidence, min_pixels=min_pixels, depth=0):
            mask = _solid(part, evidence, radius=radius, min_pixels=min_pixels)
            if mask.sum() >= min_pixels:
                found.append(MovingRegion(mask, float(np.median(evidence.speed[mask & moving]))))
    return sorted(found, key=lambda region: -int(region.mask.sum()))


def speed_floor(evidence: Evidence, *, min_speed: float) -> float:
    """Return the speed at and below which things count as still, working pixels per frame."""
    return max(min_speed, _NOISE_FACTOR * evidence.noise)


def moving_pixels(evidence: Evidence, *, min_speed: float) -> Mask:
    """Return the pixels that surely move on their own, bool [H, W]."""
    floor = speed_floor(evidence, min_speed=min_speed)
    # A flow blurs across edges: beside a fast thing, only half of its speed is motion.
    reach = 2 * round(_BLUR * max(evidence.speed.shape)) + 1
    nearby = cv2.dilate(cv2.medianBlur(evidence.speed, 5), np.ones((reach, reach)))
    # Without texture any flow is a guess: the picture must fit the flow better than stillness. A
    # flow fits itself to the sensor's noise as well, but explains less of that than it leaves.
    told = cv2.blur(evidence.photometric, (9, 9)) > max(
        _MIN_GAIN, _GAIN_OVER_GRAIN * evidence.grain
    )
    return (evidence.speed > np.maximum(floor, 0.5 * nearby)) & (evidence.trust > 0) & told


def _solid(part: Mask, evidence: Evidence, *, radius: int, min_pixels: float) -> Mask:
    """Join the pieces of a region and fill what it encloses."""
    opened = cv2.morphologyEx(part.astype(np.uint8), cv2.MORPH_OPEN, disc(2)) > 0
    kept = components(opened, min_pixels=min_pixels / 8)
    if not kept:
        return np.zeros_like(part)
    joined = cv2.morphologyEx(
        np.logical_or.reduce(kept).astype(np.uint8), cv2.MORPH_CLOSE, disc(2 * radius)
    )
    contours, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(joined), contours, -1, 1, cv2.FILLED) > 0
    # A hole that surely stands still stays a hole.
    speed = float(np.median(evidence.speed[part]))
    still = (evidence.speed < 0.2 * speed) & (evidence.trust > 0.5)
    return filled & ~(cv2.morphologyEx(still.astype(np.uint8), cv2.MORPH_OPEN, disc(radius)) > 0)


def _split(part: Mask, evidence: Evidence, *, min_pixels: float, depth: int) -> list[Mask]:
    """Cut a region in two as long as both halves clearly move differently."""
    if depth == _MAX_DEPTH or part.sum() < 2 * min_pixels:
        return [part]
    smooth = cv2.blur(evidence.velocity, (5, 5))
    values = smooth[part]
    samples = values[:: max(1, len(values) // _MAX_SAMPLES)]
    clusters = Clusters(samples, 2, starts=3)
    labels = clusters.labels(values)
    halves = [values[labels == half] for half in (0, 1)]
    shares = [len(half) / len(values) for half in halves]
    if min(shares) < _SPLIT_SHARE:
        return [part]
    gap = float(np.linalg.norm(clusters.centres[0] - clusters.centres[1]))
    spreads = [_spread(half, centre) for half, centre in zip(halves, clusters.centres, strict=True)]
    if gap < _SPLIT_RATIO * max(*spreads, 0.02):
        return [part]
    masks = []
    for half in (0, 1):
        mask = np.zeros_like(part)
        mask[part] = labels == half
        masks.append(cv2.medianBlur(mask.astype(np.uint8), 5) > 0)
    # Halves in many pieces are one deforming thing, not two movers.
    for mask in masks:
        largest = components(mask, min_pixels=1)
        if not largest or largest[0].sum() < _SPLIT_WHOLE * mask.sum():
            return [part]
    return [
        piece
        for mask in masks
        for piece in _split(mask, evidence, min_pixels=min_pixels, depth=depth + 1)
    ]


def _spread(values: npt.NDArray[np.float32], centre: npt.NDArray[np.float32]) -> float:
    """Return a robust standard deviation of vectors about a centre."""
    return float(np.median(np.linalg.norm(values - centre, axis=1)) / 0.8)
