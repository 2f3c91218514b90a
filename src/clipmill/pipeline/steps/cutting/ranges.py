"""Ranges of frames that clips are cut into, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clipmill.config import WindowsSplit
from clipmill.pipeline.population import Ints


@dataclass(frozen=True)
class Ranges:
    """Ranges of frames that each of n clips is cut into, those of one after those of another.

    Attributes:
        counts: int64 [n]: how many there are of each.
        start: int64 [m]: first frames, counted from the clip's start.
        end: int64 [m]: one past the last ones.
    """

    counts: Ints
    start: Ints
    end: Ints

    @classmethod
    def none(cls) -> "Ranges":
        """Return those of no clip."""
        empty = np.zeros(0, np.int64)
        return cls(empty, empty, empty)

    @classmethod
    def joined(cls, some: Sequence["Ranges"]) -> "Ranges":
        """Return those of clips after clips."""
        return cls(
            np.concatenate([ranges.counts for ranges in some]),
            np.concatenate([ranges.start for ranges in some]),
            np.concatenate([ranges.end for ranges in some]),
        )

    def take(self, rows: Ints) -> "Ranges":
        """Return those of some clips."""
        counts = self.counts[rows]
        begins = np.cumsum(self.counts) - self.counts
        places = np.repeat(begins[rows] - (np.cumsum(counts) - counts), counts)
        places += np.arange(len(places))
        return Ranges(counts, self.start[places], self.end[places])


def cut_windows(lengths: Ints, step: WindowsSplit) -> Ranges:
    """Cut clips into consecutive windows; a remainder under `min_frames` is left out.

    Args:
        lengths: int64 [n], frames.
        step: Settings.
    """
    full, rest = np.divmod(lengths, step.max_frames)
    counts = full * (step.max_frames >= step.min_frames) + (rest >= max(step.min_frames, 1))
    if step.max_windows is not None:
        counts = np.minimum(counts, step.max_windows)
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    start = number * step.max_frames
    return Ranges(counts, start, np.minimum(start + step.max_frames, np.repeat(lengths, counts)))
