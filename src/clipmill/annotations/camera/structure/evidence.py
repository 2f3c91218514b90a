"""Whether a camera travelled, or only turned while things in the picture moved.

A camera that stays and an object that moves always fit SOME travelling camera: the object is near,
all else infinitely far; and a picture that shifts or grows is a wall that the camera passes. So
travel is believed where turning and zooming fails in many places of the picture and all along its
border, which objects rarely line, where travel explains these, and where the middle of the
picture's depth shifts, not one thing.
What is explained is measured over trails of up to two seconds, by a tolerance that covers how far
points drift while they are followed.
"""

from dataclasses import dataclass, replace

import numpy as np

from clipmill.annotations.camera.corners import GRID, cells_of
from clipmill.annotations.camera.structure.projection import SparseScene, in_front
from clipmill.annotations.camera.structure.sightings import Indices, Sightings
from clipmill.annotations.camera.structure.system import squared_errors
from clipmill.vision.arrays import Flags, Floats

TOLERANCE = 0.003
"""Longer sides of the picture; a point whose trail fits within this is explained."""

_MOST_BY_TURNS = 0.85
_MOST_OF_BORDER = 0.6
_LEAST_BY_TRAVEL = 0.5
_LEAST_GAIN = 0.2
_LEAST_STILL = 0.5
_SLACK = 0.03
_LEAST_CELLS, _LEAST_QUARTERS = 5, 3
_LEAST_PARALLAX = 0.04


@dataclass(frozen=True)
class Explained:
    """What a scene explains of the picture.

    Attributes:
        points: bool [N]: points whose whole trail fits.
        share: Share of the picture that they stand for, [0, 1].
        border: Share of the picture's border that they stand for, [0, 1].
    """

    points: Flags
    share: float
    border: float


def explained_by(scene: SparseScene, sightings: Sightings, *, size: tuple[int, int]) -> Explained:
    """Return which points a scene explains.

    Args:
        scene: Cameras and depths.
        sightings: The trails.
        size: Width and height of the frames, working pixels.
    """
    count, points = len(sightings.anchors), sightings.points
    errors = np.bincount(points, squared_errors(scene, sightings), count)
    seen = np.maximum(np.bincount(points, minlength=count), 1)
    behind = np.bincount(points, ~in_front(scene, sightings), count) > 0
    good: Flags = np.asarray((np.sqrt(errors / seen) < TOLERANCE * max(size)) & ~behind)
    votes = np.bincount(points, sightings.weights, count)
    border = _at_border(sightings, size=size)

    def share(of: Flags) -> float:
        return float(votes[good & of].sum() / max(votes[of].sum(), 1e-12))

    return Explained(good, share(np.ones(count, bool)), share(border))


def turns_suffice(turns: Explained) -> bool:
    """Return whether a camera that stays in place explains about the whole picture, or its border.

    Nothing more is then to be told, whatever travel would explain besides.
    """
    return turns.share > _MOST_BY_TURNS or turns.border > _MOST_OF_BORDER


def without_motion(scene: SparseScene) -> SparseScene:
    """Return the scene with cameras that all stand as the first, and points that are far away."""
    return replace(
        scene,
        rotations=np.broadcast_to(np.eye(3), scene.rotations.shape),
        translations=np.zeros_like(scene.translations),
        zooms=np.zeros_like(scene.zooms),
        inverse_depths=np.zeros_like(scene.inverse_depths),
    )


def turns_add_nothing(still: Explained, turns: Explained) -> bool:
    """Return whether a camera that stands explains what one that turns does.

    It then has not travelled either: whatever is not at infinity would show it.

    Args:
        still: What cameras that stand explain.
        turns: What cameras that turn and zoom explain.
    """
    return (
        still.border >= _LEAST_STILL
        and still.border >= turns.border - _SLACK
        and still.share >= turns.share - _SLACK
    )


def has_travelled(
    scene: SparseScene,
    sightings: Sightings,
    travel: Explained,
    turns: Explained,
    *,
    size: tuple[int, int],
) -> bool:
    """Return whether the travel of a scene is to be believed.

    Args:
        scene: Cameras that travel.
        sightings: The trails.
        travel: What it explains.
        turns: What cameras that stay in place explain.
        size: Width and height of the frames, working pixels.
    """
    gained = travel.points & ~turns.points
    votes = np.bincount(sightings.points, sightings.weights, len(sightings.anchors))
    return (
        not turns_suffice(turns)
        and travel.share >= _LEAST_BY_TRAVEL
        and float(votes[gained].sum() / votes.sum()) >= _LEAST_GAIN
        and _quarters(sightings, gained, size=size) >= _LEAST_QUARTERS
        and parallax(scene) >= _LEAST_PARALLAX
    )


def parallax(scene: SparseScene) -> float:
    """Return how far the cameras are apart, in units of the points' median depth."""
    centres = centres_of(scene)
    return float(
        np.linalg.norm(centres.max(axis=0) - centres.min(axis=0)) * np.median(scene.inverse_depths)
    )


def centres_of(scene: SparseScene) -> Floats:
    """Return where the cameras stand, [T, 3], in the axes of the first."""
    moved = scene.rotations.transpose(0, 2, 1) @ scene.translations[:, :, None]
    return -moved[:, :, 0]


def _at_border(sightings: Sightings, *, size: tuple[int, int]) -> Flags:
    """Return which points begin in the cells along the border, bool [N]."""
    row, column = _cells(sightings.starts, size=size)
    return np.asarray((row == 0) | (row == GRID[1] - 1) | (column == 0) | (column == GRID[0] - 1))


def _cells(starts: Floats, *, size: tuple[int, int]) -> tuple[Indices, Indices]:
    """Return row and column of the cells in which places lie, [N] each."""
    width, height = size
    places = starts + np.array([(width - 1) / 2, (height - 1) / 2])
    row, column = np.divmod(cells_of(places, width=width, height=height), GRID[0])
    return row, column


def _quarters(sightings: Sightings, chosen: Flags, *, size: tuple[int, int]) -> int:
    """Return in how many quarters of the picture enough cells hold chosen points."""
    row, column = _cells(sightings.starts[chosen], size=size)
    row, column = np.divmod(np.unique(row * GRID[0] + column), GRID[0])
    quarter = (row >= GRID[1] // 2) * 2 + (column >= GRID[0] // 2)
    return int((np.bincount(quarter, minlength=4) >= _LEAST_CELLS).sum())
