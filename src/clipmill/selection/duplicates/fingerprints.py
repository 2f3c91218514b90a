"""The hashes of many clips as columns: what every comparison needs in memory, the rest when asked.

A clip has hashes of whole pictures and of parts of them. All of the former are compared, and of the
latter those of a few frames; the others are read of those clips only that another may be a part of.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]

EVERY: Final = 4
"""Of frames that are alike, and of parts of pictures, one in so many is looked up."""


APART: Final = 1e7
"""Seconds from clip to clip where all of them lie on one line of time."""


class ClipHashes(NamedTuple):
    """All hashes of a clip of F frames.

    Attributes:
        clip: Its number.
        seconds: float32 [F]: time of each frame, from the clip's start.
        hashes: uint64 [F, V]: of each frame those of its views, the whole picture first.
        motion: uint64 [F, V]: hashes of the change that leads to each; 0 where none is known.
    """

    clip: int
    seconds: npt.NDArray[np.float32]
    hashes: Hashes
    motion: Hashes


ReadHashes = Callable[[Numbers], Iterable[ClipHashes]]
"""Gives all hashes of some clips, by their numbers in ascending order; they may come in any."""


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Hashes of the frames of n clips, clip by clip, in the order of time.

    Attributes:
        counts: int64 [n]: frames of each clip; 0 of a clip that shows nothing.
        seconds: float32 [N]: time of each frame, from its clip's start.
        whole: uint64 [N]: hash of the whole picture of each frame.
        motion: uint64 [N]: hash of the change that leads to it; 0 where none is known.
        parts: uint64 [V - 1, S]: hashes of the parts of those frames that are `looked` up.
        mirror: `hash ^ mirror` is the hash of the mirror image.
        read: Gives all hashes of some clips.
    """

    counts: Numbers
    seconds: npt.NDArray[np.float32]
    whole: Hashes
    motion: Hashes
    parts: Hashes
    mirror: np.uint64
    read: ReadHashes

    @classmethod
    def of(cls, counts: Numbers, mirror: np.uint64, read: ReadHashes) -> "Fingerprints":
        """Return the hashes of clips, each of which is read once, and held as far as it is needed.

        Args:
            counts: int64 [n]: frames of each clip.
            mirror: See `Fingerprints`.
            read: Likewise.
        """
        counts = np.asarray(counts, np.int64)
        size = int(counts.sum())
        prints = cls(
            counts=counts,
            seconds=np.zeros(size, np.float32),
            whole=np.zeros(size, np.uint64),
            motion=np.zeros(size, np.uint64),
            parts=np.zeros((0, len(looked_rows(counts))), np.uint64),
            mirror=mirror,
            read=read,
        )
        looked = np.cumsum(looked_counts(counts)) - looked_counts(counts)
        parts = prints.parts
        for clip, seconds, hashes, motion in read(np.flatnonzero(counts)):
            if len(parts) < hashes.shape[1] - 1:
                parts = np.zeros((hashes.shape[1] - 1, parts.shape[1]), np.uint64)
            rows = slice(prints.first[clip], prints.first[clip] + counts[clip])
            prints.seconds[rows], prints.whole[rows] = seconds, hashes[:, 0]
            prints.motion[rows] = motion[:, 0]
            some = hashes[::EVERY, 1:].T
            parts[:, looked[clip] : looked[clip] + some.shape[1]] = some
        return cls(counts, prints.seconds, prints.whole, prints.motion, parts, mirror, read)

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
    def times(self) -> npt.NDArray[np.float64]:
        """Time of each frame where clips lie on one line, `APART` seconds from each other."""
        return np.asarray(self.clip * APART + self.seconds, np.float64)

    @cached_property
    def looked(self) -> npt.NDArray[np.int32]:
        """Rows of the frames whose parts are looked up: the first of each `EVERY`; int32 [S]."""
        return looked_rows(self.counts)

    @cached_property
    def moving(self) -> Numbers:
        """Of how many frames of each clip the change is known, int64 [n]."""
        found = np.zeros(len(self.counts), np.int64)
        some = np.flatnonzero(self.counts)
        if len(some):
            found[some] = np.add.reduceat(self.motion != 0, self.first[some], dtype=np.int64)
        return found

    @cached_property
    def spacing(self) -> npt.NDArray[np.float64]:
        """Mean seconds between the frames of each clip, 0 where it has one; float64 [n]."""
        some = self.counts > 1
        found = np.zeros(len(self.counts))
        last = self.first[some] + self.counts[some] - 1
        length = self.seconds[last].astype(np.float64) - self.seconds[self.first[some]]
        found[some] = length / (self.counts[some] - 1)
        return found


def in_memory(
    counts: Numbers, seconds: npt.NDArray[np.float32], hashes: Hashes, motion: Hashes
) -> ReadHashes:
    """Return how hashes are read that are in memory, clip by clip.

    Args:
        counts: int64 [n]: frames of each clip.
        seconds: float32 [N].
        hashes: uint64 [N, V].
        motion: uint64 [N, V].
    """
    ends = np.cumsum(counts)

    def read(clips: Numbers) -> Iterator[ClipHashes]:
        for clip in clips.tolist():
            rows = slice(ends[clip] - counts[clip], ends[clip])
            yield ClipHashes(clip, seconds[rows], hashes[rows], motion[rows])

    return read


def looked_counts(counts: Numbers) -> Numbers:
    """Return how many frames of each clip are looked up for their parts."""
    return -(-counts // EVERY)


def looked_rows(counts: Numbers) -> npt.NDArray[np.int32]:
    """Return the rows of the frames that are looked up for their parts, int32 [S]."""
    some = looked_counts(counts)
    steps = row_ranges(np.zeros(len(counts), np.int64), some).astype(np.int32) * EVERY
    steps += np.repeat((np.cumsum(counts) - counts).astype(np.int32), some)
    return steps


def row_ranges(first: Numbers, counts: Numbers) -> Numbers:
    """Return the numbers first[i], first[i] + 1, ... of every i, counts[i] of them."""
    ends = np.cumsum(counts)
    steps: Any = np.arange(int(ends[-1]) if len(ends) else 0)
    return np.asarray(steps - np.repeat(ends - counts - first, counts), np.int64)
