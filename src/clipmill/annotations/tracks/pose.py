"""An object's motion as a whole: similarities of the plane, as float64 [2, 3]."""

import cv2
import numpy as np

from clipmill.annotations.tracks.arrays import Flags, Floats

_TOLERANCE = 1.5  # working pixels
_MIN_FOR_SIMILARITY = 6
_MAX_SCALE_STEP = 0.08
_MAX_TURN_STEP = 0.25  # radians


def identity() -> Floats:
    """Return the pose that moves nothing."""
    return np.eye(2, 3)


def apply(pose: Floats, points: Floats) -> Floats:
    """Return points [N, 2] moved by a pose."""
    return points @ pose[:, :2].T + pose[:, 2]


def invert(pose: Floats) -> Floats:
    """Return the inverse of a pose."""
    linear = np.linalg.inv(pose[:, :2])
    return np.column_stack([linear, -linear @ pose[:, 2]])


def compose(outer: Floats, inner: Floats) -> Floats:
    """Return the pose that applies `inner`, then `outer`."""
    linear = outer[:, :2] @ inner[:, :2]
    return np.column_stack([linear, outer[:, :2] @ inner[:, 2] + outer[:, 2]])


def translation(vector: Floats) -> Floats:
    """Return the pose that shifts by a vector [2]."""
    return np.column_stack([np.eye(2), vector])


def fit(before: Floats, after: Floats) -> tuple[Floats, Flags] | None:
    """Fit one step of an object to its points, most of which move alike.

    Args:
        before: [N, 2].
        after: [N, 2].

    Returns:
        The step and which points follow it; a similarity by RANSAC where there are points enough,
        else the median shift. None without points.
    """
    if not len(before):
        return None
    if len(before) >= _MIN_FOR_SIMILARITY:
        found, mask = cv2.estimateAffinePartial2D(
            before.astype(np.float32),
            after.astype(np.float32),
            method=cv2.RANSAC,
            ransacReprojThreshold=_TOLERANCE,
            maxIters=200,
            confidence=0.99,
        )
        if found is not None and _gentle(found):
            return found.astype(np.float64), mask.ravel().astype(bool)
    shift = np.median(after - before, axis=0)
    near = np.linalg.norm(after - before - shift, axis=1) < 2 * _TOLERANCE
    return translation(shift), near


def fit_all(before: Floats, after: Floats) -> Floats:
    """Return the similarity of least squared error over all points (Umeyama, 1991); N >= 2."""
    middle_a, middle_b = before.mean(axis=0), after.mean(axis=0)
    a, b = before - middle_a, after - middle_b
    power = max(float((a * a).sum()), 1e-9)
    cosine = float((a * b).sum()) / power
    sine = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / power
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, middle_b - linear @ middle_a])


def _gentle(pose: Floats) -> bool:
    scale = float(np.hypot(pose[0, 0], pose[1, 0]))
    turn = abs(float(np.arctan2(pose[1, 0], pose[0, 0])))
    return abs(scale - 1) < _MAX_SCALE_STEP and turn < _MAX_TURN_STEP
