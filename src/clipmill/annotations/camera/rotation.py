"""Rotation and zoom of a camera that stays in place, from its matches.

A camera that only turns and zooms maps x to K' R K^-1 x (Hartley, "Self-calibration of
stationary cameras", 1997). With the focal length assumed, four numbers remain: the rotation
vector and the focal ratio, fitted together by Gauss-Newton.
"""

import cv2
import numpy as np

from clipmill.annotations.camera.arrays import Floats, Matrix, Points

_ROUNDS = 8
_SCALE = 1.0  # working pixels; matches further off count less


def calibration(focal: float, *, width: int, height: int) -> Matrix:
    """Return K of square pixels with the principal point in the middle of the pixel grid."""
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1.0]])


def rotation_matrix(vector: Floats) -> Matrix:
    """Return the rotation of a rotation vector [3] in radians."""
    return cv2.Rodrigues(np.asarray(vector, np.float64))[0]


def rotation_vector(rotation: Matrix) -> Floats:
    """Return the rotation vector [3] of a rotation, radians."""
    return cv2.Rodrigues(np.asarray(rotation, np.float64))[0].ravel()


def angle_of(rotation: Matrix) -> float:
    """Return the angle of a rotation in degrees, [0, 180], exact also for tiny angles."""
    skew = rotation - rotation.T
    sine = np.sqrt(skew[2, 1] ** 2 + skew[0, 2] ** 2 + skew[1, 0] ** 2) / 2
    return float(np.degrees(np.arctan2(sine, (np.trace(rotation) - 1) / 2)))


def fit_rotation_zoom(
    first: Points, second: Points, *, focal: float, width: int, height: int
) -> tuple[Matrix, float]:
    """Fit the rotation and the focal ratio.

    Args:
        first: float32 [N, 2], pixels, N >= 3.
        second: float32 [N, 2].
        focal: Focal length of the first frame, pixels.
        width: Of the frame, pixels.
        height: Of the frame, pixels.

    Returns:
        Rotation world-to-camera [3, 3] and focal ratio second / first, > 0.
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
    return rotation_matrix(state[:3]), float(np.exp(np.clip(state[3], -2, 2)))


def _project(state: Floats, rays: Floats) -> Floats:
    turned = rays @ rotation_matrix(state[:3]).T
    depth = np.maximum(turned[:, 2:], 1e-3)
    return np.exp(np.clip(state[3], -2, 2)) * turned[:, :2] / depth
