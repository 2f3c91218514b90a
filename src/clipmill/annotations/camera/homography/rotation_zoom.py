"""Rotation and zoom of a camera that stays in place, from its matches.

A camera that only turns and zooms maps x to K' R K^-1 x (Hartley, "Self-calibration of
stationary cameras", 1997). With the focal length given, four numbers remain: the rotation
vector and the focal ratio, fitted together by Gauss-Newton.
"""

from dataclasses import dataclass

import numpy as np

from clipmill.annotations.camera.rotation import rotation_matrix
from clipmill.vision.arrays import Floats, Matrix, Points

_ROUNDS = 8
_SCALE = 1.0  # working pixels; matches further off count less


@dataclass(frozen=True)
class Turn:
    """A camera that stays in place, from one frame to the other.

    Attributes:
        rotation: float64 [3, 3], world-to-camera, from the first to the second camera.
        zoom: Focal ratio second / first, > 0.
    """

    rotation: Matrix
    zoom: float

    @classmethod
    def none(cls) -> "Turn":
        """Return no motion."""
        return cls(np.eye(3), 1.0)


def fit_turn(first: Points, second: Points, *, focal: float, width: int, height: int) -> Turn:
    """Fit the rotation and the focal ratio.

    Args:
        first: float32 [N, 2], pixels, N >= 3.
        second: float32 [N, 2].
        focal: Focal length of the first frame, pixels.
        width: Of the frame, pixels.
        height: Of the frame, pixels.
    """
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    rays = np.column_stack([(first - centre) / focal, np.ones(len(first))])
    target = (second - centre) / focal
    state = np.zeros(4)  # rotation vector, log of the focal ratio
    for _ in range(_ROUNDS):
        base = _project(state, rays)
        error = (target - base).ravel()
        distance = np.repeat(np.linalg.norm(target - base, axis=1) * focal, 2)
        weights = 1 / (1 + (distance / _SCALE) ** 2)
        slope = np.stack(
            [(_project(state + nudge, rays) - base).ravel() / 1e-6 for nudge in np.eye(4) * 1e-6],
            axis=1,
        )
        normal = slope.T @ (slope * weights[:, None]) + 1e-9 * np.eye(4)
        change = np.linalg.solve(normal, slope.T @ (weights * error))
        state = state + change
        if np.abs(change).max() < 1e-9:
            break
    return Turn(rotation_matrix(state[:3]), float(np.exp(np.clip(state[3], -2, 2))))


def _project(state: Floats, rays: Floats) -> Floats:
    turned = rays @ rotation_matrix(state[:3]).T
    depth = np.maximum(turned[:, 2:], 1e-3)
    return np.exp(np.clip(state[3], -2, 2)) * turned[:, :2] / depth
