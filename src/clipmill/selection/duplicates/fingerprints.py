"""The hashes of many clips as columns."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Hashes of the frames of n clips, clip by clip, in the order of time.

    Attributes:
        counts: int64 [n]: frames of each clip; 0 of a clip that shows nothing.
        seconds: float32 [N]: time of each frame, from its clip's start.
        hashes: uint64 [N, V]: of each frame those of its views, the whole picture first.
        motion: uint64 [N, V]: hashes of the change that leads to each; 0 where none is known.
        mirror: `hash ^ mirror` is the hash of the mirror image.
    """

    counts: Numbers
    seconds: npt.NDArray[np.float32]
    hashes: Hashes
    motion: Hashes
    mirror: np.uint64

    @cached_property
    def first(self) -> Numbers:
        """Row of the first frame of each clip, int64 [n]."""
        ends: Numbers = np.cumsum(self.counts)
        return ends - self.counts

    @cached_property
    def clip(self) -> npt.NDArray[np.int32]:
        """Clip of each frame, int32 [N]."""
        return np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts)

    @cached_property
    def spacing(self) -> npt.NDArray[np.float64]:
        """Mean seconds between the frames of each clip, 0 where it has one; float64 [n]."""
        some = self.counts > 1
        found = np.zeros(len(self.counts))
        last = self.first[some] + self.counts[some] - 1
        length = self.seconds[last].astype(np.float64) - self.seconds[self.first[some]]
        found[some] = length / (self.counts[some] - 1)
        return found


def row_ranges(first: Numbers, counts: Numbers) -> Numbers:
    """Return the numbers first[i], first[i] + 1, ... of every i, counts[i] of them."""
    ends = np.cumsum(counts)
    steps: Any = np.arange(int(ends[-1]) if len(ends) else 0)
    return np.asarray(steps - np.repeat(ends - counts - first, counts), np.int64)
