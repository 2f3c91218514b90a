"""What bundle adjustment is given: points, and where they are seen."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipmill.annotations.camera.corners import GRID, cells_of
from clipmill.annotations.camera.klt import Trails
from clipmill.vision.arrays import Floats

Indices = npt.NDArray[np.int64]
"""int64 [M]."""

_LEAST_SIGHTINGS = 4


@dataclass(frozen=True)
class Sightings:
    """N points in T frames; places are working pixels from the middle of the picture.

    A point hangs on the frame in which it is first seen, its anchor: its place there is taken as
    exact, and its depth there is what is not known of it.

    Attributes:
        num_frames: T.
        anchors: int64 [N], the first frame of each point.
        starts: float64 [N, 2], where it is seen there.
        points: int64 [M], the point of each further sighting.
        frames: int64 [M], its frame.
        places: float64 [M, 2], where the point is seen.
        weights: float64 [M], mean 1: equal for the cells of the picture, twice that at its border,
            however many points a cell holds.
    """

    num_frames: int
    anchors: Indices
    starts: Floats
    points: Indices
    frames: Indices
    places: Floats
    weights: Floats

    @classmethod
    def of(cls, trails: Trails, frames: range, *, size: tuple[int, int]) -> "Sightings":
        """Take the points that are seen often enough in a stretch of frames.

        Args:
            trails: Points of the clip.
            frames: The stretch.
            size: Width and height of the frames, working pixels.
        """
        width, height = size
        places = trails.places[frames.start : frames.stop]
        seen = np.isfinite(places[:, :, 0])
        often = seen.sum(axis=0) >= _LEAST_SIGHTINGS
        places, seen = places[:, often], seen[:, often]
        anchors = seen.argmax(axis=0)
        numbers = np.arange(len(anchors))
        middle = np.array([(width - 1) / 2, (height - 1) / 2])
        starts = places[anchors, numbers] - middle
        at, points = np.nonzero(seen)
        further = at != anchors[points]
        at, points = at[further], points[further]
        found = places[at, points]
        return cls(
            num_frames=len(frames),
            anchors=anchors,
            starts=starts.astype(np.float64),
            points=points,
            frames=at,
            places=(found - middle).astype(np.float64),
            weights=_weights(found, at, width=width, height=height),
        )

    def __len__(self) -> int:
        return len(self.points)


def _weights(places: Floats, frames: Indices, *, width: int, height: int) -> Floats:
    if not len(frames):
        return np.zeros(0)
    cells = cells_of(places, width=width, height=height)
    row, column = np.divmod(cells, GRID[0])
    border = (row == 0) | (row == GRID[1] - 1) | (column == 0) | (column == GRID[0] - 1)
    _, slots, counts = np.unique(
        frames * (GRID[0] * GRID[1]) + cells, return_inverse=True, return_counts=True
    )
    weights = np.where(border, 2.0, 1.0) / counts[slots]
    return weights / weights.mean()
