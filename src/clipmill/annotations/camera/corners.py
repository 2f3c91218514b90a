"""Corners spread over the frame.

Shi and Tomasi, "Good features to track", 1994.
"""

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.vision.arrays import Gray, Points

GRID = (12, 8)
"""Cells per row and rows of cells; each gives at most `per_cell` corners, so that one textured
object cannot outvote a plain background."""

_MIN_CONTRAST = 1.5e-5  # smallest eigenvalue of a corner; sensor noise of 2 grey levels stays below
_BORDER = 6


def cells_of(points: Points, *, width: int, height: int) -> npt.NDArray[np.int64]:
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
    return points[order[ranks(cells[order]) < per_cell]]


def ranks(cells: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the place of each entry among the equal ones before it; equal ones are neighbours."""
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    return np.arange(len(cells)) - np.repeat(starts, np.diff(starts, append=len(cells)))
