"""Bundle adjustment: cameras and points that see what was seen.

Triggs et al., "Bundle adjustment, a modern synthesis", 1999: Levenberg-Marquardt over all cameras
at once, each point's one unknown eliminated first (Schur complement), with the robust weights of
Cauchy, since some of the points are on things that move.
"""

from dataclasses import dataclass, replace

import numpy as np

from clipmill.annotations.camera.rotation import rotation_matrices
from clipmill.annotations.camera.structure.projection import SparseScene
from clipmill.annotations.camera.structure.sightings import Sightings
from clipmill.annotations.camera.structure.system import (
    BLOCK,
    PRIOR_WEIGHT,
    FocalPrior,
    System,
    normal_equations,
    total_cost,
)
from clipmill.vision.arrays import Flags

_MOST_DAMPING = 1e6


@dataclass(frozen=True)
class Unknowns:
    """What is adjusted, besides the rotations of all cameras but the first.

    Attributes:
        travel: Translations, and the inverse depths of points.
        zoom: The focal length of each camera.
        focal: The focal length of all.
        lens: The distortion of the lens.
    """

    travel: bool = False
    zoom: bool = False
    focal: bool = False
    lens: bool = False

    def columns(self, num_frames: int) -> Flags:
        """Return which columns of the system are free: bool [7 T + 2]."""
        of_camera = [True] * 3 + [self.travel] * 3 + [self.zoom]
        free = np.tile(of_camera, num_frames)
        free[:BLOCK] = False  # the first camera is the world
        return np.append(free, [self.focal, self.lens])


@dataclass(frozen=True)
class Adjusted:
    """A scene and how well it fits.

    Attributes:
        scene: The scene.
        cost: Robust squared error with priors, square pixels.
        focal_spread: Standard deviation of the log of the focal length; that of the prior where
            it was not adjusted.
    """

    scene: SparseScene
    cost: float
    focal_spread: float


def adjust(
    scene: SparseScene,
    sightings: Sightings,
    unknowns: Unknowns,
    *,
    scale: float,
    prior: FocalPrior,
    rounds: int = 30,
    tolerance: float = 1e-4,
) -> Adjusted:
    """Improve a scene.

    Args:
        scene: Where to begin.
        sightings: What was seen.
        unknowns: What may change.
        scale: Errors beyond this many working pixels count ever less.
        prior: Of the focal length.
        rounds: At most.
        tolerance: Stop when a round lowers the cost by a smaller share.
    """
    free = unknowns.columns(sightings.num_frames)
    cost, damping = total_cost(scene, sightings, scale, prior), 1e-3
    for _ in range(rounds):
        system = normal_equations(scene, sightings, scale, prior)
        while damping < _MOST_DAMPING:
            tried = _moved(scene, system, free, damping, travel=unknowns.travel)
            after = total_cost(tried, sightings, scale, prior)
            if after < cost:
                break
            damping *= 4
        else:
            break
        gain = (cost - after) / cost
        scene, cost, damping = tried, after, max(damping / 5, 1e-7)
        if gain < tolerance:
            break
    spread = _focal_spread(scene, sightings, free, scale, prior) if unknowns.focal else prior.spread
    return Adjusted(scene, cost, spread)


def _moved(
    scene: SparseScene, system: System, free: Flags, damping: float, *, travel: bool
) -> SparseScene:
    """Return the scene after one damped step."""
    step = np.zeros(len(free))
    cameras = system.cameras[np.ix_(free, free)]
    diagonal = np.arange(len(cameras))
    cameras[diagonal, diagonal] += damping * cameras[diagonal, diagonal] + 1e-9
    slope = system.camera_slope[free]
    inverse = scene.inverse_depths
    if travel:
        points = system.points * (1 + damping)
        mixed = system.mixed[free]
        share = mixed / points
        step[free] = np.linalg.solve(cameras - share @ mixed.T, slope - share @ system.point_slope)
        change = (system.point_slope - mixed.T @ step[free]) / points
        inverse = np.maximum(inverse + change, 0.0)
    else:
        step[free] = np.linalg.solve(cameras, slope)
    blocks = step[:-2].reshape(-1, BLOCK)
    return replace(
        scene,
        rotations=rotation_matrices(blocks[:, :3]) @ scene.rotations,
        translations=scene.translations + blocks[:, 3:6],
        zooms=scene.zooms + np.clip(blocks[:, 6], -0.5, 0.5),
        inverse_depths=inverse,
        focal=float(scene.focal * np.exp(np.clip(step[-2], -0.3, 0.3))),
        distortion=float(np.clip(scene.distortion + step[-1], -0.3, 0.3)),
    )


def _focal_spread(
    scene: SparseScene, sightings: Sightings, free: Flags, scale: float, prior: FocalPrior
) -> float:
    """Return the standard deviation of the log focal length, all else being adjusted to it."""
    system = normal_equations(scene, sightings, scale, prior)
    mixed = system.mixed[free]
    reduced = system.cameras[np.ix_(free, free)] - (mixed / system.points) @ mixed.T
    unit = (np.flatnonzero(free) == len(free) - 2).astype(np.float64)
    reduced += np.eye(len(reduced)) * 1e-6
    return float(np.sqrt(PRIOR_WEIGHT * max(unit @ np.linalg.solve(reduced, unit), 0.0)))
