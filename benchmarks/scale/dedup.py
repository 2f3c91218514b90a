"""What it costs to group near-duplicates among very many hashes.

    python benchmarks/scale/dedup.py [--hashes 1000000] [--per-clip 10] [--views 1] [--copies 0.05]

Hashes are made up: each clip walks from picture to picture as real ones do, a share of the clips is
copied with a few bits changed and other frames cut off. Prints CPU seconds, peak memory, and how
many of the copies were found. Bar: 1,000,000 hashes grouped in < 60 CPU s.
"""

import argparse
import resource
import time

import numpy as np
import numpy.typing as npt

from clipmill.annotations.hashes.perceptual.signs import MIRROR
from clipmill.selection.duplicates.fingerprints import Fingerprints, Hashes
from clipmill.selection.duplicates.grouping import ClipPlaces, group_clips
from clipmill.selection.duplicates.matches import find_matches

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


def population(
    clips: int, frames: int, views: int, copies: int
) -> tuple[Fingerprints, npt.NDArray[np.int64]]:
    """Return hashes of clips, the last of which are copies, and of which each is one."""
    rng = np.random.default_rng(0)
    hashes, motion = made_up(clips - copies, frames, views, rng)
    source = rng.choice(clips - copies, copies, replace=False)
    cut = frames // 4
    extra = [flipped(some[source, cut:], rng, 0.05) for some in (hashes, motion)]
    counts = np.repeat([frames, frames - cut], [clips - copies, copies])
    every = [
        np.concatenate([some.reshape(-1, views), more.reshape(-1, views)])
        for some, more in zip((hashes, motion), extra, strict=True)
    ]
    seconds = np.concatenate([np.arange(count) for count in counts]) * STEP
    return Fingerprints(counts, seconds.astype(np.float32), *every, MIRROR), source


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hashes", type=int, default=1_000_000)
    parser.add_argument("--per-clip", type=int, default=10)
    parser.add_argument("--views", type=int, default=1)
    parser.add_argument("--copies", type=float, default=0.05)
    asked = parser.parse_args()
    clips = asked.hashes // (asked.per_clip * asked.views)
    copies = int(clips * asked.copies)
    prints, source = population(clips, asked.per_clip, asked.views, copies)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.process_time()
    matches = find_matches(prints, distance=15.0, overlap=0.6)
    rows = np.arange(clips)
    groups = group_clips(matches, ClipPlaces(rows, rows * 0, rows * 0 + 1), within_video=False)
    spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = int((groups[clips - copies :] == groups[source]).sum())
    wrong = len(matches.one) - found
    print(
        f"{prints.hashes.size:,} hashes of {clips:,} clips: {spent:.1f} CPU s (bar 60), peak "
        f"{peak:.0f} MB ({before:.0f} MB before), {found:,} of {copies:,} copies found, "
        f"{wrong} wrong pairs"
    )


if __name__ == "__main__":
    main()
