"""A scene from nothing but sightings and rough turns of the camera.

Bundle adjustment converges from a camera that does not travel and points at one depth, as long as
motion within the window is small against the depths (Yu and Gallup, "3D reconstruction from
accidental motion", 2014). Large errors are let count at first and less later (graduated
non-convexity, Yang et al., 2020), and each point's depth is looked for again in between, over all
depths, since it may sit in a side minimum.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from clipmill.annotations.camera.structure.adjust import Adjusted, Unknowns, adjust
from clipmill.annotations.camera.structure.projection import SparseScene
from clipmill.annotations.camera.structure.sightings import Sightings
from clipmill.annotations.camera.structure.system import (
    FocalPrior,
    robust_errors,
    squared_errors,
)
from clipmill.vision.arrays import Floats

_COARSE = (8.0, 2.0)  # times the scale, before the scale itself
_DEPTHS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 8.0)  # inverse, of the median's


@dataclass(frozen=True)
class Start:
    """Where bundle adjustment begins; where one start ends in a side minimum, another does not.

    Attributes:
        times: Focal length, times that of the prior.
        inverse: Inverse depth of all points; it decides how far early rounds go.
    """

    times: float
    inverse: float


FIRST_STARTS = (Start(1.0, 1.0), Start(1.0, 0.3))
OTHER_STARTS = (Start(0.8, 1.0), Start(1.25, 1.0))


def solve_travel(
    rotations: Floats,
    sightings: Sightings,
    *,
    scale: float,
    prior: FocalPrior,
    starts: Sequence[Start] = FIRST_STARTS,
) -> Adjusted:
    """Return cameras that travel, and the depths of the points.

    Args:
        rotations: float64 [T, 3, 3], about how the cameras are turned, world-to-camera.
        sightings: What was seen.
        scale: Errors beyond this many working pixels count ever less.
        prior: Of the focal length.
        starts: Where to begin; the best after a few rounds goes on.
    """
    scenes = [
        _at_one_depth(rotations, sightings, inverse=start.inverse, focal=start.times * prior.focal)
        for start in starts
    ]
    coarse, fine = (share * scale for share in _COARSE)
    found = [_improved(scene, sightings, scale=coarse, prior=prior) for scene in scenes]
    best = min(found, key=lambda scene: _cost_of(scene, sightings, scale=fine))
    best = _improved(best, sightings, scale=fine, prior=prior)
    travel = Unknowns(travel=True, focal=prior.spread > 0, lens=True)
    return adjust(best, sightings, travel, scale=scale, prior=prior, rounds=25)


def solve_turn(
    rotations: Floats, zooms: Floats, sightings: Sightings, *, scale: float, prior: FocalPrior
) -> Adjusted:
    """Return cameras that stay in place, turn and zoom.

    Args:
        rotations: float64 [T, 3, 3], about how the cameras are turned, world-to-camera.
        zooms: float64 [T], log of the focal lengths over the first.
        sightings: What was seen.
        scale: Errors beyond this many working pixels count ever less.
        prior: Of the focal length.
    """
    start = SparseScene(
        rotations=rotations @ rotations[0].T,
        translations=np.zeros((sightings.num_frames, 3)),
        zooms=zooms - zooms[0],
        inverse_depths=np.zeros(len(sightings.anchors)),
        focal=prior.focal,
    )
    turn = Unknowns(zoom=True, focal=prior.spread > 0)
    return adjust(start, sightings, turn, scale=scale, prior=prior, rounds=12, tolerance=1e-3)


def _at_one_depth(
    rotations: Floats, sightings: Sightings, *, inverse: float, focal: float
) -> SparseScene:
    return SparseScene(
        rotations=rotations @ rotations[0].T,
        translations=np.zeros((sightings.num_frames, 3)),
        zooms=np.zeros(sightings.num_frames),
        inverse_depths=np.full(len(sightings.anchors), inverse),
        focal=focal,
    )


def _improved(
    scene: SparseScene, sightings: Sightings, *, scale: float, prior: FocalPrior
) -> SparseScene:
    """Return the scene after a few rounds, its points at the depths that fit best."""
    found = adjust(scene, sightings, Unknowns(travel=True), scale=scale, prior=prior, rounds=8)
    return _with_best_depths(found.scene, sightings, scale=scale / _COARSE[-1])


def _cost_of(scene: SparseScene, sightings: Sightings, *, scale: float) -> float:
    errors = robust_errors(squared_errors(scene, sightings), scale)
    return float((sightings.weights * errors).sum())


def _with_best_depths(scene: SparseScene, sightings: Sightings, *, scale: float) -> SparseScene:
    """Return the scene with each point at the depth, of those tried, that fits best."""
    middle = max(float(np.median(scene.inverse_depths)), 1e-6)
    best = scene.inverse_depths
    least = _cost_of_points(scene, sightings, scale=scale)
    for share in _DEPTHS:
        tried = np.full(len(best), share * middle)
        cost = _cost_of_points(replace(scene, inverse_depths=tried), sightings, scale=scale)
        best, least = np.where(cost < least, tried, best), np.minimum(cost, least)
    return replace(scene, inverse_depths=best)


def _cost_of_points(scene: SparseScene, sightings: Sightings, *, scale: float) -> Floats:
    errors = robust_errors(squared_errors(scene, sightings), scale)
    return np.asarray(np.bincount(sightings.points, errors, len(sightings.anchors)), np.float64)
