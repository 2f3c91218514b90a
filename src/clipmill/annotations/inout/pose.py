"""Where an object's shape has gone: a similarity per frame (shift, turn, scale)."""

import cv2
import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Points = npt.NDArray[np.floating]

_MAX_SAMPLES = 400
_MIN_SAMPLES = 8
_MOST_GROWTH = 0.12
_MOST_TURN = 15.0


def identity() -> Matrix:
    """Return the similarity that moves nothing, float64 [3, 3]."""
    return np.eye(3)


def inverse(matrix: Matrix) -> Matrix:
    """Return the similarity that undoes another."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def fit(a: Points, b: Points, *, tolerance: float) -> tuple[Matrix, float] | None:
    """Fit the similarity that moves points a to points b, with RANSAC.

    Args:
        a: [N, 2], x, y.
        b: [N, 2], x, y.
        tolerance: Pixels an inlier may miss by.

    Returns:
        Matrix float64 [3, 3] and the share of inliers; None when too few points agree.
    """
    if len(a) < 2:
        return None
    if len(a) == 2:
        moved = identity()
        moved[:2, 2] = (b - a).mean(axis=0)
        return moved, 1.0
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.estimateAffinePartial2D(
        a.astype(np.float32),
        b.astype(np.float32),
        method=cv2.RANSAC,
        ransacReprojThreshold=tolerance,
        maxIters=500,
    )
    if matrix is None:
        return None
    whole = np.vstack([matrix, [0, 0, 1]])
    scale = float(np.sqrt(abs(np.linalg.det(whole[:2, :2]))))
    # A change of size by more than half within one fit is a failed fit.
    if not 0.5 < scale < 2:
        return None
    return whole, float(inliers.mean())


def plausible(step: Matrix) -> bool:
    """Return whether a thing can turn and grow like this from one frame to the next."""
    scale = float(np.hypot(step[0, 0], step[1, 0]))
    turn = float(np.degrees(np.arctan2(step[1, 0], step[0, 0])))
    return abs(scale - 1) < _MOST_GROWTH and abs(turn) < _MOST_TURN


def fit_from_flow(
    mask: npt.NDArray[np.bool_], backward: npt.NDArray[np.float32]
) -> tuple[Matrix, float] | None:
    """Fit the similarity an object followed since the frame before.

    Args:
        mask: bool [H, W]: where the object is expected in the current frame.
        backward: float32 [H, W, 2]: flow from the current frame to the one before.
    """
    rows, columns = np.nonzero(mask)
    if len(rows) < _MIN_SAMPLES:
        return None
    step = max(1, len(rows) // _MAX_SAMPLES)
    rows, columns = rows[::step], columns[::step]
    here = np.stack([columns, rows], axis=1).astype(np.float64)
    return fit(here + backward[rows, columns], here, tolerance=0.7)


def move_points(matrix: Matrix, points: Points) -> npt.NDArray[np.float64]:
    """Move points [N, 2] by a similarity."""
    return np.asarray(points @ matrix[:2, :2].T + matrix[:2, 2], np.float64)


def move_mask(
    mask: npt.NDArray[np.float32], matrix: Matrix, *, extend: bool = False
) -> npt.NDArray[np.float32]:
    """Move a soft mask [H, W] by a similarity; with `extend` the picture's edge is repeated."""
    height, width = mask.shape
    border = cv2.BORDER_REPLICATE if extend else cv2.BORDER_CONSTANT
    return cv2.warpAffine(
        mask, matrix[:2], (width, height), flags=cv2.INTER_LINEAR, borderMode=border
    )
