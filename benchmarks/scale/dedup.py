"""What it costs to group near-duplicates among very many hashes.

    python benchmarks/scale/dedup.py [--clips 100000] [--per-clip 10] [--views 1] [--copies 0.05]

Hashes are made up: each clip walks from picture to picture as real ones do, a share of the clips is
copied with a few bits changed and other frames cut off. They are made chunk by chunk when they are
read, as rows of a workspace are. Prints CPU seconds without that, peak memory, and how many of the
copies were found. Bars: 1,000,000 hashes grouped in < 60 CPU s; 1,000,000 clips of 15 views in
less than 3 GB.
"""

import argparse
import resource
import time
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from clipmill.annotations.hashes.perceptual.signs import MIRROR
from clipmill.selection.duplicates.fingerprints import ClipHashes, Fingerprints, Hashes
from clipmill.selection.duplicates.grouping import ClipPlaces, group_clips
from clipmill.selection.duplicates.matches import find_matches

CHUNK = 2_000
"""Clips that are made at once."""

STEP = 0.25
"""Seconds between the frames of a clip."""


def flipped(hashes: Hashes, rng: np.random.Generator, share: float) -> Hashes:
    """Return hashes with a share of their bits changed."""
    bits = rng.random((*hashes.shape, 64), np.float32) < share
    packed = np.packbits(bits, axis=-1).view(">u8")[..., 0].astype(np.uint64)
    return hashes ^ packed


def made_up(clips: int, frames: int, views: int, rng: np.random.Generator) -> tuple[Hashes, Hashes]:
    """Return hashes and motion of clips, uint64 [clips, frames, views] each."""
    hashes = np.empty((clips, frames, views), np.uint64)
    hashes[:, 0] = rng.integers(0, 2**64, (clips, views), np.uint64)
    for frame in range(1, frames):
        hashes[:, frame] = flipped(hashes[:, frame - 1], rng, 0.05)
    return hashes, rng.integers(1, 2**64, hashes.shape, np.uint64)


class Population:
    """Clips in chunks, each of which is made anew whenever it is read; the last of each are copies.

    Args:
        clips: How many.
        frames: Of each; a copy lacks the first quarter.
        views: Hashes of each frame.
        copies: Share of the clips that are copies.
    """

    def __init__(self, clips: int, frames: int, views: int, copies: float) -> None:
        self.clips, self.frames, self.views, self.copies = clips, frames, views, copies
        self.spent = 0.0
        """CPU seconds that making them took."""

    def chunk(self, number: int) -> Iterator[ClipHashes]:
        """Yield the clips of a chunk."""
        first = number * CHUNK
        rng = np.random.default_rng([0, number])
        size = min(CHUNK, self.clips - first)
        copied = int(size * self.copies)
        hashes, motion = made_up(size - copied, self.frames, self.views, rng)
        cut = self.frames // 4
        source = self.sources(number)
        extra = [flipped(some[source, cut:], rng, 0.05) for some in (hashes, motion)]
        times = (np.arange(self.frames) * STEP).astype(np.float32)
        for at in range(size - copied):
            yield ClipHashes(first + at, times, hashes[at], motion[at])
        for at in range(copied):
            place = first + size - copied + at
            yield ClipHashes(place, times[: self.frames - cut], extra[0][at], extra[1][at])

    def sources(self, number: int) -> npt.NDArray[np.int64]:
        """Return the places in a chunk of what its copies are made of."""
        size = min(CHUNK, self.clips - number * CHUNK)
        copied = int(size * self.copies)
        rng = np.random.default_rng([1, number])
        return rng.choice(size - copied, copied, replace=False)

    def counts(self) -> npt.NDArray[np.int64]:
        """Return the frames of each clip."""
        counts = np.full(self.clips, self.frames)
        for number in range(-(-self.clips // CHUNK)):
            end = min((number + 1) * CHUNK, self.clips)
            counts[end - len(self.sources(number)) : end] = self.frames - self.frames // 4
        return counts

    def read(self, wanted: npt.NDArray[np.int64]) -> Iterator[ClipHashes]:
        """Yield some clips, as the rows of a workspace are read."""
        for number in np.unique(wanted // CHUNK).tolist():
            began = time.process_time()
            some = list(self.chunk(number))
            self.spent += time.process_time() - began
            places = wanted[wanted // CHUNK == number] - number * CHUNK
            yield from (some[place] for place in places.tolist())

    def found(self, groups: npt.NDArray[np.int64]) -> tuple[int, int]:
        """Return how many of the copies are in one group with their source, and how many are."""
        hits = total = 0
        for number in range(-(-self.clips // CHUNK)):
            source = self.sources(number)
            end = min((number + 1) * CHUNK, self.clips)
            same = groups[end - len(source) : end] == groups[number * CHUNK + source]
            hits, total = hits + int(same.sum()), total + len(source)
        return hits, total


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--per-clip", type=int, default=10)
    parser.add_argument("--views", type=int, default=1)
    parser.add_argument("--copies", type=float, default=0.05)
    asked = parser.parse_args()
    some = Population(asked.clips, asked.per_clip, asked.views, asked.copies)
    counts = some.counts()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.process_time()
    prints = Fingerprints.of(counts, MIRROR, some.read)
    matches = find_matches(prints, distance=15.0, overlap=0.6)
    rows = np.arange(asked.clips)
    groups = group_clips(matches, ClipPlaces(rows, rows * 0, rows * 0 + 1), within_video=False)
    spent = time.process_time() - began - some.spent
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found, copies = some.found(groups)
    print(
        f"{int(counts.sum()) * asked.views:,} hashes of {asked.clips:,} clips: {spent:.1f} CPU s "
        f"(bar 60 of 1,000,000), peak {peak:.0f} MB ({before:.0f} MB before), {found:,} of "
        f"{copies:,} copies found, {len(matches.one) - found} wrong pairs"
    )


if __name__ == "__main__":
    main()
