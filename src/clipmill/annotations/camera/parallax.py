"""A camera that travels: rotation and translation from matches with parallax.

The essential matrix gives the direction of travel (Nister, "An efficient solution to the
five-point relative pose problem", 2004; MAGSAC++ sampling), a refinement of its five numbers
makes it stable over short baselines, and triangulated depths give the length of the step in
units of the scene's median depth.

Two views cannot tell parallax from an object that moves: a homography and one free object always
fit SOME travelling camera. So travel is only believed where the background's homography fails
in several parts of the picture, and where what it leaves over is not one rigid thing that moves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from clipmill.annotations.camera.arrays import Flags, Floats, Matrix
from clipmill.annotations.camera.background import INLIER_DISTANCE, Background
from clipmill.annotations.camera.klt import GRID, Matches, cells_of
from clipmill.annotations.camera.rotation import rotation_matrix

_MAX_HOMOGRAPHY_SHARE = 0.7
_MIN_SHARE = 0.5
_MIN_GAIN = 0.15
_EPIPOLAR_DISTANCE = 1.0  # working pixels
_MIN_DISPERSION = 2
_MIN_POINTS = 30
_ONE_THING = 0.6  # share of the rest that one similarity explains when it is an object
_FAR = 1000.0  # depth, in steps, beyond which a point says nothing about the step's length


@dataclass(frozen=True)
class Travel:
    """A step of a travelling camera.

    Attributes:
        rotation: float64 [3, 3], from the first to the second camera.
        translation: float64 [3], in units of the median depth of the matches.
        share: Share of the picture that fits, [0, 1].
    """

    rotation: Matrix
    translation: Floats
    share: float


def find_travel(
    matches: Matches,
    background: Background,
    votes: Floats,
    *,
    intrinsics: Matrix,
    width: int,
    height: int,
) -> Travel | None:
    """Return the camera's step, or None where a homography tells the whole story.

    Args:
        matches: Points of both frames.
        background: What a homography could explain of them.
        votes: float [N], weight of each match, sum 1.
        intrinsics: float64 [3, 3], both frames.
        width: Of the frames, working pixels.
        height: Of the frames, working pixels.
    """
    if not _may_travel(matches, background, width=width, height=height):
        return None
    focal = float(intrinsics[0, 0])
    inverse = np.linalg.inv(intrinsics)
    first, second = (
        np.column_stack([points, np.ones(len(points))]).astype(np.float64) @ inverse.T
        for points in (matches.first, matches.second)
    )
    found = _sample(first, second, threshold=_EPIPOLAR_DISTANCE / focal)
    if found is None:
        return None
    rotation, direction = _refine(*found, first, second, scale=0.5 / focal)
    error = _sampson(rotation, direction, first, second) * focal
    depth, depth_second = _depths(rotation, direction, first, second)
    fits = (error < _EPIPOLAR_DISTANCE) & (depth > 0) & (depth_second > 0)
    share = float(votes[fits].sum())
    if share < max(_MIN_SHARE, background.share + _MIN_GAIN):
        return None
    unit = float(np.median(np.minimum(depth[fits], _FAR)))
    return Travel(rotation=rotation, translation=direction / unit, share=share)


def _may_travel(matches: Matches, background: Background, *, width: int, height: int) -> bool:
    """Return whether what the homography leaves over looks like parallax at all."""
    if background.still or background.share > _MAX_HOMOGRAPHY_SHARE:
        return False
    if len(matches) < _MIN_POINTS:
        return False
    rest = ~background.inliers
    if _dispersion(matches, rest, width=width, height=height) < _MIN_DISPERSION:
        return False
    return not _is_one_thing(matches, rest)


def lasting(travels: Sequence[Travel | None]) -> list[Travel | None]:
    """Keep a step only when its neighbours in time travel too, and the same way.

    Chance fits to an object's motion point anywhere; a camera that travels keeps its course.

    Args:
        travels: One per pair of sampled frames, in time order.

    Returns:
        The same list with the lonely ones replaced by None.
    """
    kept: list[Travel | None] = []
    for number, travel in enumerate(travels):
        near = [other for other in travels[max(0, number - 2) : number + 3] if other is not None]
        if travel is None:
            kept.append(None)
            continue
        course = travel.translation / np.linalg.norm(travel.translation)
        agreeing = sum(
            float(other.translation @ course) > 0.7 * float(np.linalg.norm(other.translation))
            for other in near
        )
        kept.append(travel if agreeing >= min(3, len(travels)) else None)
    return kept


def _dispersion(matches: Matches, chosen: Flags, *, width: int, height: int) -> int:
    """Return in how many quarters of the picture a fifth of the cells hold chosen points."""
    cells = np.unique(cells_of(matches.first[chosen], width=width, height=height))
    row, column = np.divmod(cells, GRID[0])
    quarter = (row >= GRID[1] // 2) * 2 + (column >= GRID[0] // 2)
    return int((np.bincount(quarter, minlength=4) >= GRID[0] * GRID[1] / 20).sum())


def _is_one_thing(matches: Matches, chosen: Flags) -> bool:
    """Return whether one similarity explains the chosen matches, as it does for an object.

    Parallax does not pass: it differs from depth to depth.
    """
    _, inliers = cv2.estimateAffinePartial2D(
        matches.first[chosen],
        matches.second[chosen],
        method=cv2.RANSAC,
        ransacReprojThreshold=INLIER_DISTANCE,
        maxIters=500,
    )
    return inliers is not None and float(inliers.mean()) > _ONE_THING


def _sample(first: Floats, second: Floats, *, threshold: float) -> tuple[Matrix, Floats] | None:
    a, b = np.ascontiguousarray(first[:, :2]), np.ascontiguousarray(second[:, :2])
    essential, mask = cv2.findEssentialMat(
        a, b, np.eye(3), cv2.USAC_MAGSAC, 0.999, threshold, maxIters=500
    )
    if essential is None or essential.shape != (3, 3):
        return None
    count, rotation, direction, _ = cv2.recoverPose(essential, a, b, np.eye(3), mask=mask)
    return (rotation, direction.ravel()) if count >= _MIN_POINTS // 2 else None


def _cross(vector: Floats) -> Matrix:
    x, y, z = vector
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])


def _sampson(rotation: Matrix, direction: Floats, first: Floats, second: Floats) -> Floats:
    """Return first-order distances from the epipolar geometry, in normalised units, [N]."""
    essential = _cross(direction) @ rotation
    lines, back = first @ essential.T, second @ essential
    squares = lines[:, 0] ** 2 + lines[:, 1] ** 2 + back[:, 0] ** 2 + back[:, 1] ** 2
    value = np.abs((second * lines).sum(axis=1))
    return value / np.sqrt(np.maximum(squares, 1e-18))


def _signed(rotation: Matrix, direction: Floats, first: Floats, second: Floats) -> Floats:
    essential = _cross(direction) @ rotation
    sign = np.sign(((second @ essential) * first).sum(axis=1))
    return sign * _sampson(rotation, direction, first, second)


def _refine(
    rotation: Matrix, direction: Floats, first: Floats, second: Floats, *, scale: float
) -> tuple[Matrix, Floats]:
    """Minimise the Sampson error over rotation and direction with robust weights."""
    for _ in range(10):
        _, _, frame = np.linalg.svd(direction[None])
        tangent = frame[1:]

        def moved(
            state: Floats,
            rotation: Matrix = rotation,
            direction: Floats = direction,
            tangent: Floats = tangent,
        ) -> tuple[Matrix, Floats]:
            turned = direction + state[3:] @ tangent
            return rotation_matrix(state[:3]) @ rotation, turned / np.linalg.norm(turned)

        base = _signed(rotation, direction, first, second)
        weights = 1 / (1 + (base / scale) ** 2) ** 2
        slope = np.stack(
            [(_signed(*moved(nudge), first, second) - base) / 1e-6 for nudge in np.eye(5) * 1e-6],
            axis=1,
        )
        normal = slope.T @ (slope * weights[:, None]) + 1e-6 * np.eye(5)
        change = np.linalg.solve(normal, -slope.T @ (weights * base))
        change *= min(1.0, 0.1 / max(float(np.abs(change).max()), 1e-12))
        rotation, direction = moved(change)
        if np.abs(change).max() < 1e-7:
            break
    return rotation, direction


def _depths(
    rotation: Matrix, direction: Floats, first: Floats, second: Floats
) -> tuple[Floats, Floats]:
    """Return depths in both cameras, [N] each, in units of the step (midpoint method)."""
    a = first @ rotation.T
    aa, bb, ab = (a * a).sum(1), (second * second).sum(1), (a * second).sum(1)
    at, bt = a @ direction, second @ direction
    determinant = np.maximum(aa * bb - ab * ab, 1e-15)
    return (ab * bt - bb * at) / determinant, (aa * bt - ab * at) / determinant
