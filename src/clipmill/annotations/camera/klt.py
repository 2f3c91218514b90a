"""Corners spread over the frame, and their matches in another frame.

Corners: Shi and Tomasi, "Good features to track", 1994. Matches: Lucas and Kanade, 1981, in the
pyramidal form of Bouguet, 2000, kept only when tracking back returns to the start (Kalal et al.,
"Forward-backward error", 2010).
"""

from dataclasses import dataclass

import cv2
import numpy as np

from clipmill.annotations.camera.arrays import Gray, Points

GRID = (12, 8)
"""Cells per row and rows of cells; each gives at most `per_cell` corners, so that one textured
object cannot outvote a plain background."""

_WINDOW = (17, 17)
_LEVELS = 3
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.01)
_MAX_RETURN_ERROR = 0.5
_MIN_CONTRAST = 1.5e-5  # smallest eigenvalue of a corner; sensor noise of 2 grey levels stays below
_BORDER = 6


@dataclass(frozen=True)
class Matches:
    """The same background points in two frames.

    Attributes:
        first: float32 [N, 2], x, y in the first frame, working pixels.
        second: float32 [N, 2], the same points in the second frame.
    """

    first: Points
    second: Points

    def __len__(self) -> int:
        return len(self.first)


def cells_of(points: Points, *, width: int, height: int) -> np.ndarray:
    """Return the grid cell of each point: int [N] in [0, 12 * 8)."""
    column = np.clip((points[:, 0] * GRID[0] / width).astype(int), 0, GRID[0] - 1)
    row = np.clip((points[:, 1] * GRID[1] / height).astype(int), 0, GRID[1] - 1)
    return row * GRID[0] + column


def find_corners(gray: Gray, *, per_cell: int = 4) -> Points:
    """Return the strongest corners of every grid cell.

    Args:
        gray: uint8 [H, W].
        per_cell: Corners a cell may give.

    Returns:
        float32 [N, 2], x, y; empty where nothing has texture.
    """
    strength = cv2.cornerMinEigenVal(gray, 5, ksize=3)
    peaks = strength >= cv2.dilate(strength, np.ones((7, 7), np.uint8))
    peaks &= strength > _MIN_CONTRAST
    peaks[:_BORDER] = peaks[-_BORDER:] = False
    peaks[:, :_BORDER] = peaks[:, -_BORDER:] = False
    rows, columns = np.nonzero(peaks)
    if not len(rows):
        return np.zeros((0, 2), np.float32)
    points = np.stack([columns, rows], axis=1).astype(np.float32)
    cells = cells_of(points, width=gray.shape[1], height=gray.shape[0])
    # Strongest first within each cell; position breaks ties, so the order is always the same.
    order = np.lexsort((columns, rows, -strength[rows, columns], cells))
    cells = cells[order]
    starts = np.r_[0, np.flatnonzero(np.diff(cells)) + 1]
    rank = np.arange(len(cells)) - np.repeat(starts, np.diff(np.r_[starts, len(cells)]))
    return points[order[rank < per_cell]]


def match(first: Gray, second: Gray, corners: Points, *, shift: Points | None = None) -> Matches:
    """Track corners from one frame to the other and back.

    Args:
        first: uint8 [H, W].
        second: uint8 [H, W].
        corners: float32 [N, 2] in the first frame.
        shift: float32 [N, 2]: where each point is expected to have moved by.

    Returns:
        The corners that came back to within half a pixel.
    """
    if not len(corners):
        return Matches(corners, corners)
    start = np.ascontiguousarray(corners, np.float32)
    guess = start + shift.astype(np.float32) if shift is not None else start.copy()
    there, found, _ = _track(first, second, start, guess)
    back, found_back, _ = _track(second, first, there, there - (guess - start))
    distance = np.linalg.norm(back - start, axis=1)
    height, width = second.shape
    inside = ((there >= 0) & (there <= (width - 1, height - 1))).all(axis=1)
    good = found & found_back & inside & (distance < _MAX_RETURN_ERROR)
    return Matches(start[good], there[good])


def _track(
    first: Gray, second: Gray, points: Points, guess: Points
) -> tuple[Points, np.ndarray, np.ndarray]:
    moved, status, error = cv2.calcOpticalFlowPyrLK(
        first,
        second,
        points,
        guess.astype(np.float32),
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_STOP,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return moved, status.ravel().astype(bool), error.ravel()


def coarse_shift(first: Gray, second: Gray) -> tuple[float, float]:
    """Return the shift (x, y) of the whole picture by phase correlation on a thumbnail.

    Kuglin and Hines, 1975. Reaches much further than Lucas-Kanade, at a pixel or two of error.
    """
    width = 160
    scale = width / first.shape[1]
    size = (width, max(16, round(first.shape[0] * scale)))
    small = [
        cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        for frame in (first, second)
    ]
    window = cv2.createHanningWindow(size, cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(small[0], small[1], window)
    return x / scale, y / scale
