"""The camera's own motion between two frames, as the homography of the background.

Method: RANSAC (Fischler and Bolles, 1981) over a grid of flow vectors gives candidates; the one
that most of the rim of the picture follows is the background, because objects sit in the middle.
That still holds when one object is larger than half of the frame. Standing still is always a
candidate, and wins a tie: most tripods do not move, and a fit to little texture is worse.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.vision.dense_flow import Field, Flow, Gray, pixel_grid, sample

Matrix = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]

_STEP = 8
_RIM = 0.12
_MIN_POINTS = 12
_STILL_BONUS = 1.03


@dataclass(frozen=True)
class BackgroundField:
    """Motion of the background from frame a to frame b.

    Attributes:
        motion: float32 [H, W, 2]: the flow if everything were background, working pixels.
        mismatch: float32 [H, W]: local mean grey difference left after that motion.
        inlier_share: Share of trusted flow vectors it explains within a pixel, [0, 1].
    """

    motion: Field
    mismatch: Map
    inlier_share: float


def mismatch(anchor: Gray, other: Gray, motion: Field) -> Map:
    """Return the local mean of |anchor - other moved back|, float32 [H, W], grey levels."""
    moved = sample(other, pixel_grid(*anchor.shape) + motion)
    return cv2.blur(np.abs(anchor.astype(np.float32) - moved), (5, 5))


def motion_of(matrix: Matrix, height: int, width: int) -> Field:
    """Return the displacement that a homography gives every pixel, float32 [H, W, 2]."""
    grid = pixel_grid(height, width)
    return (_project(matrix, grid.reshape(-1, 2)).reshape(grid.shape) - grid).astype(np.float32)


def _project(matrix: Matrix, points: Field) -> Field:
    """Move points [N, 2] by a homography."""
    return cv2.perspectiveTransform(points[:, None], matrix)[:, 0]


def _ransac(a: Field, b: Field) -> tuple[Matrix, npt.NDArray[np.bool_]] | None:
    if len(a) < _MIN_POINTS:
        return None
    cv2.setRNGSeed(0)
    matrix, inliers = cv2.findHomography(a, b, cv2.RANSAC, 1.0, maxIters=2000, confidence=0.999)
    return None if matrix is None else (matrix, inliers.ravel().astype(bool))


def _candidates(a: Field, b: Field) -> list[Matrix]:
    """Return stillness and up to two motions that many flow vectors share."""
    found = [np.eye(3)]
    first = _ransac(a, b)
    if first is not None:
        found.append(first[0])
        rest = ~first[1]
        second = _ransac(a[rest], b[rest]) if rest.mean() > 0.25 else None
        if second is not None:
            found.append(second[0])
    return found


def fit_background(anchor: Gray, other: Gray, flow: Flow) -> BackgroundField | None:
    """Find the background's motion from a flow.

    Args:
        anchor: uint8 [H, W].
        other: uint8 [H, W].
        flow: Flow from the anchor to the other frame.

    Returns:
        The motion, or None when hardly any of the flow can be trusted.
    """
    height, width = anchor.shape
    grid = pixel_grid(height, width)[_STEP // 2 :: _STEP, _STEP // 2 :: _STEP].reshape(-1, 2)
    column, row = grid.astype(int).T
    trusted = flow.consistent[row, column]
    a = grid[trusted]
    b = a + flow.vectors[row, column][trusted]
    if len(a) < _MIN_POINTS:
        return None
    rim = (np.minimum(a, [width, height] - a) < _RIM * min(height, width)).any(axis=1)
    best: tuple[float, Matrix] | None = None
    for number, matrix in enumerate(_candidates(a, b)):
        explained = np.linalg.norm(_project(matrix, a) - b, axis=1) < 1
        score = float(explained[rim].sum()) * (_STILL_BONUS if number == 0 else 1.0)
        if best is None or score > best[0]:
            best = score, matrix
    assert best is not None
    motion = motion_of(best[1], height, width)
    error = np.linalg.norm(_project(best[1], a) - b, axis=1)
    return BackgroundField(motion, mismatch(anchor, other, motion), float((error < 1).mean()))
