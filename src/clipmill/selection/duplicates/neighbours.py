"""Hashes that differ in a few bits, found without comparing all with all.

Sorted, two hashes that begin alike stand near each other. So they are sorted as often as there are
eighths of their bits, each time turned so that another eighth comes first, and every one is
compared with those next behind it. Time and memory grow with the number of hashes, however many of
them are equal.
"""

from collections.abc import Iterator
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


def near_hashes(hashes: Hashes, *, distance: int) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield pairs of rows whose hashes differ in few bits; a pair may come more than once.

    Args:
        hashes: uint64 [N].
        distance: Bits that may differ.

    Yields:
        Two int64 [m].
    """
    for turn in range(TURNS):
        step = np.uint64(turn * (BITS // TURNS))
        back = np.uint64((BITS - turn * (BITS // TURNS)) % BITS)
        turned = (hashes << step) | (hashes >> back) if turn else hashes
        for rows in _parts(turned):
            order = rows[np.argsort(turned[rows], kind="stable")]
            yield from _close(turned[order], order, distance)


def _parts(hashes: Hashes) -> Iterator[Numbers]:
    """Yield rows of hashes with equal first bits, few enough to be sorted at once."""
    if len(hashes) <= PART:
        yield np.arange(len(hashes))
        return
    bits = max(_PART_BITS, int(np.ceil(np.log2(len(hashes) / PART))) + 1)
    heads = (hashes >> np.uint64(BITS - bits)).astype(np.uint16)
    for head in range(1 << bits):
        yield np.flatnonzero(heads == head)


def _close(ordered: Hashes, rows: Numbers, distance: int) -> Iterator[tuple[Numbers, Numbers]]:
    for ahead in range(1, min(REACH, len(ordered) - 1) + 1):
        apart: npt.NDArray[np.uint8] = np.bitwise_count(ordered[:-ahead] ^ ordered[ahead:])
        near = np.flatnonzero(apart <= distance)
        if len(near):
            yield rows[near], rows[near + ahead]
