"""Points followed from frame to frame.

Lucas and Kanade, 1981, in the
pyramidal form of Bouguet, 2000, kept only when tracking back returns to the start (Kalal et al.,
"Forward-backward error", 2010).
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.camera.corners import GRID, cells_of, find_corners, ranks
from clipmill.vision.arrays import Flags, Gray, Points

_WINDOW = (17, 17)
_LEVELS = 3
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.01)
_MAX_RETURN_ERROR = 0.5
_FEW = 0.35  # share of points below which following is tried again from a coarse shift
_DISTANCE = 11  # pixels; a new corner begins at least half of it away from what is followed
_LIFE, _LIFE_SPREAD = 12, 9  # sampled frames


@dataclass(frozen=True)
class Matches:
    """The same points in two frames.

    Attributes:
        first: float32 [N, 2], x, y in the first frame, working pixels.
        second: float32 [N, 2], the same points in the second frame.
    """

    first: Points
    second: Points

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True)
class Trails:
    """Points on their way through T sampled frames.

    Attributes:
        places: float32 [T, N, 2], x, y in working pixels; NaN where a point is not followed. A
            point is there in neighbouring frames only, without a gap.
    """

    places: Points

    def __len__(self) -> int:
        return len(self.places)

    def matches(self, frame: int) -> Matches:
        """Return the points that are in a sampled frame and in the next."""
        first, second = self.places[frame : frame + 2]
        both = np.isfinite(first[:, 0]) & np.isfinite(second[:, 0])
        return Matches(first[both], second[both])


class Follower:
    """Follows corners through frames that are shown one after the other.

    A point is followed until it is lost, or is old: what is carried from frame to frame drifts off
    its corner. Lives differ, so that never all points of a frame end at once. Where a cell has
    room, new corners begin.

    Args:
        per_cell: Corners a cell may give.
    """

    def __init__(self, *, per_cell: int = 4) -> None:
        self._per_cell = per_cell
        self._before: Gray | None = None
        self._places: Points = np.zeros((0, 2), np.float32)
        self._points: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._born: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._count = 0
        self._shift: Points = np.zeros(2, np.float32)
        self._seen: list[tuple[npt.NDArray[np.int64], Points]] = []

    def step(self, gray: Gray) -> None:
        """Take the next frame, uint8 [H, W], of the same size as the others."""
        if self._before is not None and len(self._places):
            self._follow(self._before, gray)
        self._begin(gray)
        self._seen.append((self._points, self._places))
        self._before = gray

    def trails(self) -> Trails:
        """Return what was followed so far."""
        places = np.full((len(self._seen), self._count, 2), np.nan, np.float32)
        for frame, (points, found) in enumerate(self._seen):
            places[frame, points] = found
        return Trails(places)

    def _follow(self, before: Gray, gray: Gray) -> None:
        there, good = _match(before, gray, self._places, self._shift)
        if good.sum() < _FEW * len(good):
            coarse = np.asarray(coarse_shift(before, gray), np.float32)
            other, better = _match(before, gray, self._places, coarse)
            if better.sum() > good.sum():
                there, good = other, better
        if good.any():
            self._shift = np.median((there - self._places)[good], axis=0).astype(np.float32)
        self._places, self._points = there[good], self._points[good]
        self._born = self._born[good]

    def _begin(self, gray: Gray) -> None:
        """Drop the old points, and fill the cells with corners that are away from the others."""
        young = len(self._seen) - self._born < _LIFE + self._points % _LIFE_SPREAD
        self._places, self._points = self._places[young], self._points[young]
        self._born = self._born[young]
        height, width = gray.shape
        taken = np.zeros(gray.shape, np.uint8)
        columns, rows = np.clip(np.rint(self._places).astype(int), 0, (width - 1, height - 1)).T
        taken[rows, columns] = 1
        taken = cv2.dilate(taken, np.ones((_DISTANCE, _DISTANCE), np.uint8))
        corners = find_corners(gray, per_cell=self._per_cell)
        x, y = corners.astype(int).T
        corners = corners[taken[y, x] == 0]
        room = self._per_cell - np.bincount(
            cells_of(self._places, width=width, height=height), minlength=GRID[0] * GRID[1]
        )
        cells = cells_of(corners, width=width, height=height)
        corners = corners[ranks(cells) < room[cells]]
        new = np.arange(self._count, self._count + len(corners))
        self._count += len(new)
        self._places = np.concatenate([self._places, corners])
        self._points = np.concatenate([self._points, new])
        self._born = np.concatenate([self._born, np.full(len(new), len(self._seen))])


def _match(first: Gray, second: Gray, points: Points, shift: Points) -> tuple[Points, Flags]:
    """Follow points to the other frame and back.

    Args:
        first: uint8 [H, W].
        second: uint8 [H, W].
        points: float32 [N, 2] in the first frame.
        shift: float32 [2]: how far points are expected to have moved.

    Returns:
        float32 [N, 2], and which of them came back to within half a pixel.
    """
    start = np.ascontiguousarray(points, np.float32)
    there, found = _track(first, second, start, start + shift)
    back, found_back = _track(second, first, there, there - shift)
    height, width = second.shape
    inside = ((there >= 0) & (there <= (width - 1, height - 1))).all(axis=1)
    near = np.linalg.norm(back - start, axis=1) < _MAX_RETURN_ERROR
    return there, np.asarray(found & found_back & inside & near)


def _track(first: Gray, second: Gray, points: Points, guess: Points) -> tuple[Points, Flags]:
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        first,
        second,
        points,
        guess.astype(np.float32),
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_STOP,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return moved, status.ravel().astype(bool)


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
