"""Rotations as matrices, vectors and angles."""

import cv2
import numpy as np

from clipmill.vision.arrays import Floats, Matrix


def cross_matrices(vectors: Floats) -> Floats:
    """Return the matrices [..., 3, 3] that multiply by vectors [..., 3] from the left."""
    found = np.zeros((*vectors.shape, 3))
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    found[..., 0, 1], found[..., 0, 2], found[..., 1, 2] = -z, y, -x
    found[..., 1, 0], found[..., 2, 0], found[..., 2, 1] = z, -y, x
    return found


def rotation_matrices(vectors: Floats) -> Floats:
    """Return the rotations [..., 3, 3] of rotation vectors [..., 3] in radians (Rodrigues)."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    safe = np.maximum(angle, 1e-12)
    tiny = angle < 1e-6
    first = np.where(tiny, 1.0, np.sin(safe) / safe)
    second = np.where(tiny, 0.5, (1 - np.cos(safe)) / safe**2)
    turn = cross_matrices(vectors)
    return np.eye(3) + first * turn + second * (turn @ turn)


def rotation_matrix(vector: Floats) -> Matrix:
    """Return the rotation of a rotation vector [3] in radians."""
    return cv2.Rodrigues(np.asarray(vector, np.float64))[0]


def rotation_vector(rotation: Matrix) -> Floats:
    """Return the rotation vector [3] of a rotation, radians."""
    from scipy.spatial.transform import Rotation  # slow to import: looking at rows needs none

    vector: Floats = Rotation.from_matrix(np.asarray(rotation, np.float64)).as_rotvec()
    return vector


def angle_of(rotation: Matrix) -> float:
    """Return the angle of a rotation in degrees, [0, 180], exact also for tiny angles."""
    skew = rotation - rotation.T
    sine = np.sqrt(skew[2, 1] ** 2 + skew[0, 2] ** 2 + skew[1, 0] ** 2) / 2
    return float(np.degrees(np.arctan2(sine, (np.trace(rotation) - 1) / 2)))
