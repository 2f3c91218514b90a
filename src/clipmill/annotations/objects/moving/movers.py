"""Everything that moves on its own at one frame."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipmill.annotations.objects.moving.confidence import Stream, confidence_of, find_stream
from clipmill.annotations.objects.moving.evidence import Evidence, measure
from clipmill.annotations.objects.moving.grouping import find_regions, moving_pixels, speed_floor
from clipmill.annotations.objects.moving.outline import refine
from clipmill.vision.dense_flow import FlowEstimator, Gray
from clipmill.vision.masks import Mask

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


@dataclass(frozen=True)
class Motion:
    """Motion about a frame, measured.

    Attributes:
        evidence: Maps of motion against the background.
        moving: bool [H, W], pixels that surely move on their own.
        floor: Speed at and below which things stand still, working pixels per frame.
        stream: Parallax of a travelling camera, if there is any.
    """

    evidence: Evidence
    moving: Mask
    floor: float
    stream: Stream


def measure_motion(
    grey: Gray, neighbours: Mapping[int, Gray], flows: FlowEstimator, limits: Limits
) -> Motion | None:
    """Measure the motion about a frame.

    Args:
        grey: uint8 [H, W], working size.
        neighbours: Frames of the same size by their distance in frames.
        flows: The flow estimator.
        limits: What counts as a mover.

    Returns:
        None when nothing can be compared.
    """
    evidence = measure(grey, neighbours, flows)
    if evidence is None:
        return None
    min_speed = limits.min_speed * max(grey.shape)
    moving = moving_pixels(evidence, min_speed=min_speed)
    floor = speed_floor(evidence, min_speed=min_speed)
    return Motion(evidence, moving, floor, find_stream(evidence, moving))


def find_movers(picture: Picture, motion: Motion, limits: Limits) -> list[Mover]:
    """Segment what moves on its own.

    Args:
        picture: uint8 [H, W, 3], RGB, working size.
        motion: Measured about it.
        limits: What counts as a mover.

    Returns:
        Disjoint movers, largest first; empty when nothing moves.
    """
    evidence = motion.evidence
    min_speed = limits.min_speed * max(picture.shape[:2])
    regions = find_regions(evidence, min_speed=min_speed, min_area=limits.min_area)
    covered = [region.mask for region in regions]
    taken = np.zeros(picture.shape[:2], bool)
    movers = []
    for number, region in enumerate(regions):
        rest = [mask for other, mask in enumerate(covered) if other != number]
        others = np.logical_or.reduce([taken, *rest])
        outline = refine(picture, region.mask, others, evidence, speed=region.speed) & ~taken
        taken |= outline
        if not limits.min_area <= outline.mean() <= limits.max_area:
            continue
        confidence = confidence_of(outline, evidence, motion.stream, floor=motion.floor)
        if confidence >= limits.min_confidence:
            speed = float(np.median(evidence.speed[outline]))
            movers.append(Mover(outline, speed, confidence))
    return sorted(movers, key=lambda mover: -int(mover.mask.sum()))
