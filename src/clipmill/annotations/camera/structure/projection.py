"""Where cameras see points, and how that changes with each of them.

A point is its place x in its anchor frame a and its inverse depth r there (Civera et al., "Inverse
depth parametrization for monocular SLAM", 2008), so that points without parallax, r near 0, are
as good as others. In frame j it is seen along

    p = R_j R_a' (x - r t_a) + r t_j,

scaled by its inverse depth, where R, t are world-to-camera and x = (place / focal length, 1).
Lenses bend: a place u = (px, py) / pz is seen at u (1 + k |u|^2) focal lengths from the middle.
"""

from dataclasses import dataclass

import numpy as np

from clipmill.annotations.camera.rotation import cross_matrices
from clipmill.annotations.camera.structure.sightings import Sightings
from clipmill.vision.arrays import Flags, Floats

_NEAR = 0.05  # nearest depth, in units of the depth at the anchor; keeps points out of the camera


@dataclass(frozen=True)
class SparseScene:
    """T cameras and N points.

    Attributes:
        rotations: float64 [T, 3, 3], world-to-camera.
        translations: float64 [T, 3], world-to-camera.
        zooms: float64 [T], log of the focal length over `focal`.
        inverse_depths: float64 [N], >= 0, in the anchor's camera; 0 is infinitely far away.
        focal: Focal length, working pixels.
        distortion: k of the lens.
    """

    rotations: Floats
    translations: Floats
    zooms: Floats
    inverse_depths: Floats
    focal: float
    distortion: float = 0.0


@dataclass(frozen=True)
class Slopes:
    """Derivatives of M projections.

    Attributes:
        later: float64 [M, 2, 7], by rotation vector (left), translation and zoom of the camera that
            sees the point.
        anchor: float64 [M, 2, 7], the same of the anchor's camera.
        lens: float64 [M, 2, 2], by the log of the focal length and the distortion.
        inverse_depth: float64 [M, 2], by the point's inverse depth.
    """

    later: Floats
    anchor: Floats
    lens: Floats
    inverse_depth: Floats


@dataclass(frozen=True)
class _Rays:
    """Parts of the equation above for M sightings; see `_rays`."""

    start: Floats
    x: Floats
    relative: Floats
    moved: Floats
    turned: Floats
    p: Floats
    inverse: Floats
    focal: Floats


def project(scene: SparseScene, sightings: Sightings) -> Floats:
    """Return where the points are seen: float64 [M, 2], pixels from the middle."""
    rays = _rays(scene, sightings)
    flat = rays.p[:, :2] / _depth(rays)[:, None]
    return rays.focal[:, None] * flat * (1 + scene.distortion * _square(flat))


def in_front(scene: SparseScene, sightings: Sightings) -> Flags:
    """Return which sightings have the point in front of the camera, bool [M]."""
    return np.asarray(_rays(scene, sightings).p[:, 2] > _NEAR)


def project_with_slopes(scene: SparseScene, sightings: Sightings) -> tuple[Floats, Slopes]:
    """Return where the points are seen, [M, 2], and the derivatives."""
    rays = _rays(scene, sightings)
    depth, focal, inverse = _depth(rays), rays.focal[:, None], rays.inverse[:, None, None]
    bend = scene.distortion
    flat = rays.p[:, :2] / depth[:, None]
    square = _square(flat)
    seen = focal * flat * (1 + bend * square)
    by_flat = 2 * bend * flat[:, :, None] * flat[:, None, :] + (
        1 + bend * square[:, :, None]
    ) * np.eye(2)
    by_flat *= (focal / depth[:, None])[:, :, None]
    by_p = np.concatenate([by_flat, -_times(by_flat, flat)[:, :, None]], axis=2)
    by_moved = by_p @ rays.relative
    # How the ray at the anchor changes with its focal length and the distortion.
    start, start_square = rays.start, _square(rays.start)
    by_x = by_moved[:, :, :2]
    by_anchor_focal = -_times(by_x, start * (1 - 3 * bend * start_square))
    by_anchor_bend = -_times(by_x, start * start_square)
    later = np.concatenate(
        [-by_p @ cross_matrices(rays.turned), by_p * inverse, seen[:, :, None]], 2
    )
    anchor = np.concatenate(
        [by_moved @ cross_matrices(rays.moved), -by_moved * inverse, by_anchor_focal[:, :, None]], 2
    )
    lens = np.stack([seen + by_anchor_focal, focal * flat * square + by_anchor_bend], axis=2)
    translations = scene.translations
    shift = translations[sightings.frames] - _times(
        rays.relative, translations[sightings.anchors[sightings.points]]
    )
    return seen, Slopes(later, anchor, lens, _times(by_p, shift))


def _rays(scene: SparseScene, sightings: Sightings) -> _Rays:
    points, later = sightings.points, sightings.frames
    anchor = sightings.anchors[points]
    focals = scene.focal * np.exp(scene.zooms)
    start = sightings.starts[points] / focals[anchor, None]
    straight = start * (1 - scene.distortion * _square(start))
    x = np.column_stack([straight, np.ones(len(points))])
    inverse = scene.inverse_depths[points]
    # From every camera to every other first: far fewer products than sightings.
    between = scene.rotations[:, None] @ scene.rotations.transpose(0, 2, 1)
    relative = between[later, anchor]
    moved = x - inverse[:, None] * scene.translations[anchor]
    turned = _times(relative, moved)
    p = turned + inverse[:, None] * scene.translations[later]
    return _Rays(start, x, relative, moved, turned, p, inverse, focals[later])


def _depth(rays: _Rays) -> Floats:
    return np.maximum(rays.p[:, 2], _NEAR)


def _square(vectors: Floats) -> Floats:
    """Return squared lengths, [M, 1]."""
    return np.asarray(np.square(vectors).sum(axis=1, keepdims=True))


def _times(matrices: Floats, vectors: Floats) -> Floats:
    """Return matrices [M, K, 3] times vectors [M, 3], [M, K]."""
    return (matrices @ vectors[:, :, None])[:, :, 0]
