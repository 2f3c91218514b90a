"""Hashes that differ in a few bits, found without comparing all with all.

Sorted, two hashes that begin alike stand near each other. So they are sorted as often as there are
eighths of their bits, each time turned so that another eighth comes first, and every one is
compared with those next behind it. Time and memory grow with the number of hashes, however many of
them are equal. Of many, only those that begin alike are turned and sorted at once, so that hardly
more is held than the hashes.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from clipmill.selection.duplicates.fingerprints import Hashes, Numbers

BITS: Final = 64
TURNS: Final = 8
REACH: Final = 24
"""Next hashes in sorted order that each is compared with."""

_PART_BITS: Final = 3
PART: Final = 1 << 23
"""Hashes that are sorted at once: more are sorted in parts, by their first bits."""


def near_hashes(blocks: Sequence[Hashes], *, distance: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield pairs of rows whose hashes differ in few bits; a pair may come more than once.

    Args:
        blocks: uint64 each; rows are counted through all of them.
        distance: Bits that may differ.

    Yields:
        Two int64 [m].
    """
    for turn in range(TURNS):
        for rows, turned in _parts(blocks, turn):
            order = np.argsort(turned, kind="stable")
            yield from _close(turned[order], rows[order], distance)


def _turned(hashes: Hashes, turn: int) -> Hashes:
    """Return hashes with another eighth of their bits in front."""
    step = turn * (BITS // TURNS)
    return (hashes << np.uint64(step)) | (hashes >> np.uint64(BITS - step)) if turn else hashes


def _parts(blocks: Sequence[Hashes], turn: int) -> Iterator[tuple[Numbers, Hashes]]:
    """Yield rows of hashes with equal first bits, few enough to be sorted at once, and these."""
    starts = np.cumsum([0, *map(len, blocks)])
    size = int(starts[-1])
    if size <= PART:
        every = [np.zeros(0, np.uint64), *(_turned(block, turn) for block in blocks)]
        yield np.arange(size), np.concatenate(every)
        return
    bits = max(_PART_BITS, int(np.ceil(np.log2(size / PART))) + 1)
    heads = np.empty(size, np.uint8 if bits <= 8 else np.uint16)
    for start, block in zip(starts[:-1], blocks, strict=True):
        for at in range(0, len(block), PART):
            some = _turned(block[at : at + PART], turn) >> np.uint64(BITS - bits)
            heads[start + at : start + at + len(some)] = some
    for head in range(1 << bits):
        rows = np.flatnonzero(heads == head)
        hashes = np.empty(len(rows), np.uint64)
        ends = np.searchsorted(rows, starts)
        for begin, end, start, block in zip(ends[:-1], ends[1:], starts[:-1], blocks, strict=True):
            hashes[begin:end] = block[rows[begin:end] - start]
        yield rows, _turned(hashes, turn)


def _close(ordered: Hashes, rows: Numbers, distance: int) -> Iterator[tuple[Numbers, Numbers]]:
    for ahead in range(1, min(REACH, len(ordered) - 1) + 1):
        apart: npt.NDArray[np.uint8] = np.bitwise_count(ordered[:-ahead] ^ ordered[ahead:])
        near = np.flatnonzero(apart <= distance)
        if len(near):
            yield rows[near], rows[near + ahead]
