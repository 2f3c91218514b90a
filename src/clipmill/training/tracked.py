"""The objects of a sample with their points, before they are placed and drawn."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.training.reading.stored import StoredSample


@dataclass(frozen=True, eq=False)
class Tracked:
    """An object that is drawn: points float32 [T, N, 2] in source pixels, visibility [T, N]."""

    object_id: str
    class_name: str
    points: npt.NDArray[np.float32]
    seen: npt.NDArray[np.bool_]

    def only(self, keep: npt.NDArray[Any]) -> "Tracked":
        """Return the object with the points where a mask [N] is True."""
        return Tracked(self.object_id, self.class_name, self.points[:, keep], self.seen[:, keep])


def tracked_objects(sample: StoredSample, frames: range) -> list[Tracked]:
    """Return the objects with their points at the frames taken."""
    numbers = np.array(frames)
    found = []
    for entry in sample.objects:
        there = numbers < len(entry.points)
        last = np.minimum(numbers, len(entry.points) - 1)
        seen = entry.seen[last] & there[:, None]
        found.append(Tracked(entry.object_id, entry.class_name, entry.points[last], seen))
    return found


def thinned(
    objects: list[Tracked], rng: np.random.Generator, *, dropout: float
) -> tuple[Tracked, ...]:
    """Apply the point dropout; objects without a point go."""
    left = []
    for entry in objects:
        count = entry.points.shape[1]
        if count:
            keep = np.asarray(rng.random(count) >= dropout)
            spared = rng.integers(count)
            if not keep.any():
                keep[spared] = True
            left.append(entry.only(keep))
    return tuple(left)


def points_in(entry: Tracked, region: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Tell which points lie in a half-open box at the first frame."""
    start = entry.points[0]
    return ((start >= region[:2]) & (start < region[2:])).all(axis=1)
