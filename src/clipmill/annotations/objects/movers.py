"""Everything that moves on its own at one anchor: the heart of the embedded backend."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.objects.confidence import confidence_of, find_stream
from clipmill.annotations.objects.evidence import Evidence, measure
from clipmill.annotations.objects.flow import FlowEstimator
from clipmill.annotations.objects.grouping import Mask, find_regions, moving_pixels, speed_floor
from clipmill.annotations.objects.outline import refine

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Limits:
    """What counts as a mover.

    Attributes:
        min_speed: Slowest motion against the background, long sides per frame.
        min_area: Smallest mover, share of the frame.
        max_area: Largest mover, share of the frame.
        min_confidence: Movers below are noise.
    """

    min_speed: float
    min_area: float
    max_area: float
    min_confidence: float


@dataclass(frozen=True)
class Mover:
    """A region that moves on its own.

    Attributes:
        mask: bool [H, W], working size.
        speed: Median speed against the background, working pixels per frame.
        confidence: [0, 1], see `confidence`.
    """

    mask: Mask
    speed: float
    confidence: float


def segment(
    anchor: Picture,
    neighbours: Mapping[int, Picture],
    flows: FlowEstimator,
    limits: Limits,
) -> list[Mover]:
    """Segment what moves on its own at one anchor.

    Args:
        anchor: uint8 [H, W, 3], RGB, working size.
        neighbours: Frames of the same size by their distance from the anchor in frames.
        flows: The flow estimator.
        limits: What counts as a mover.

    Returns:
        Disjoint movers, largest first; empty when nothing moves or nothing can be compared.
    """
    grey = {step: cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for step, frame in neighbours.items()}
    evidence = measure(cv2.cvtColor(anchor, cv2.COLOR_RGB2GRAY), grey, flows)
    if evidence is None:
        return []
    min_speed = limits.min_speed * max(anchor.shape[:2])
    regions = find_regions(evidence, min_speed=min_speed, min_area=limits.min_area)
    covered = [region.mask for region in regions]
    outlines: list[Mask] = []
    taken = np.zeros(anchor.shape[:2], bool)
    for number, region in enumerate(regions):
        rest = [mask for other, mask in enumerate(covered) if other != number]
        others = np.logical_or.reduce([taken, *rest])
        outline = refine(anchor, region.mask, others, evidence, speed=region.speed) & ~taken
        taken |= outline
        outlines.append(outline)
    return _judge(outlines, evidence, min_speed=min_speed, limits=limits)


def _judge(
    outlines: list[Mask], evidence: Evidence, *, min_speed: float, limits: Limits
) -> list[Mover]:
    """Give each outline its confidence and keep those within the limits, largest first."""
    floor = speed_floor(evidence, min_speed=min_speed)
    stream = find_stream(evidence, moving_pixels(evidence, min_speed=min_speed))
    movers = []
    for mask in outlines:
        if not limits.min_area <= mask.mean() <= limits.max_area:
            continue
        confidence = confidence_of(mask, evidence, stream, floor=floor)
        if confidence >= limits.min_confidence:
            movers.append(Mover(mask, float(np.median(evidence.speed[mask])), confidence))
    return sorted(movers, key=lambda mover: -int(mover.mask.sum()))
