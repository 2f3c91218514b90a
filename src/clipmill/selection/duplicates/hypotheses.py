"""Pairs of clips that may show the same, and how: at which shift in time, mirrored, cropped."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from clipmill.selection.duplicates.fingerprints import EVERY, Fingerprints, Hashes, Numbers
from clipmill.selection.duplicates.neighbours import near_hashes

Flags = npt.NDArray[np.bool_]

NEAR: Final = 10
"""Bits in which the hashes of two frames may differ to be taken for the same at first."""

_SAME: Final = 2
"""Bits in which a frame may differ from the one before to say nothing new."""

_STEPS: Final = 8
"""Shifts of a second that are told apart."""

_MOST: Final = 6
"""Hypotheses of a pair of clips that are looked at: those with most votes."""


@dataclass(frozen=True, eq=False)
class Hypotheses:
    """What a pair of clips may have in common, m of them.

    The whole picture of one clip is the view of the other; in time,
    `seconds of whole + shift = seconds of other`.

    Attributes:
        whole: int64 [m]: clip whose whole picture it is.
        other: int64 [m]: the other clip.
        view: int64 [m]: view of the other clip.
        mirrored: bool [m].
        shift: float64 [m], seconds.
    """

    whole: Numbers
    other: Numbers
    view: Numbers
    mirrored: Flags
    shift: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.whole)

    def take(self, rows: Numbers | slice) -> "Hypotheses":
        """Return some of them."""
        return Hypotheses(
            self.whole[rows],
            self.other[rows],
            self.view[rows],
            self.mirrored[rows],
            self.shift[rows],
        )


@dataclass(frozen=True, eq=False)
class _Items:
    """Hashes that are looked up: blocks of whole pictures, of these mirrored, and of each part.

    Attributes:
        blocks: uint64 each.
        views: int8: view of each block; -1 for the whole picture, mirrored.
        starts: int64: number of the first hash of each block.
        news: int32: rows of the frames of the first two blocks.
        looked: int32: rows of the frames of all others.
    """

    blocks: tuple[Hashes, ...]
    views: npt.NDArray[np.int8]
    starts: Numbers
    news: npt.NDArray[np.int32]
    looked: npt.NDArray[np.int32]

    def places(self, items: Numbers) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int32]]:
        """Return the view of each item, and the row of its frame."""
        block = np.searchsorted(self.starts, items, side="right") - 1
        inside = items - self.starts[block]
        frames = np.empty(len(items), np.int32)
        whole = block < _WHOLE
        frames[whole] = self.news[inside[whole]]
        frames[~whole] = self.looked[inside[~whole]]
        return self.views[block], frames


_WHOLE: Final = 2
"""Blocks of whole pictures: as they are, and mirrored."""

_MERGE: Final = 1 << 20
"""Votes, at least, that are kept before they are counted together."""


def likely_pairs(prints: Fingerprints) -> Hypotheses:
    """Return what is worth a closer look, in an order that depends on the clips' order only."""
    items = _items(prints)
    counted, fresh = _Votes.empty(), [_Votes.empty()]
    pending = 0
    for one, two in near_hashes(items.blocks, distance=NEAR):
        fresh.append(_votes(prints, items, one, two))
        pending += len(fresh[-1].count)
        # As many again as there are: each is counted a few times only.
        if pending > max(_MERGE, len(counted.count)):
            counted, fresh, pending = _merged([counted, *fresh]), [], 0
    return _best(prints, _merged([counted, *fresh]))


def _items(prints: Fingerprints) -> _Items:
    """Return whole pictures, as they are and mirrored, where they are news, and some parts."""
    news = _news(prints)
    whole = prints.whole[news]
    blocks = (whole, whole ^ prints.mirror, *prints.parts)
    return _Items(
        blocks,
        np.array([0, -1, *range(1, len(prints.parts) + 1)], np.int8),
        np.cumsum([0, *map(len, blocks[:-1])]),
        news,
        prints.looked,
    )


def _news(prints: Fingerprints) -> npt.NDArray[np.int32]:
    """Return the rows of frames that are looked up, and of those unlike the one before."""
    whole = prints.whole
    flags = np.zeros(len(whole), bool)
    for at in range(1, len(whole), _MERGE):
        some = whole[at : at + _MERGE]
        before = whole[at - 1 : at - 1 + len(some)]
        flags[at : at + len(some)] = np.bitwise_count(some ^ before) > _SAME
    flags[prints.looked] = True
    return np.flatnonzero(flags).astype(np.int32)


@dataclass(frozen=True, eq=False)
class _Votes:
    """Hypotheses by two numbers each, with the pairs of frames that speak for them.

    Attributes:
        pair: uint64 [m]: the clips, that with the whole picture first.
        how: int64 [m]: view, mirrored, and shift in steps.
        count: int64 [m].
    """

    pair: npt.NDArray[np.uint64]
    how: Numbers
    count: Numbers

    @classmethod
    def empty(cls) -> "_Votes":
        """Return none."""
        return cls(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64))


def _votes(prints: Fingerprints, items: _Items, one: Numbers, two: Numbers) -> _Votes:
    """Return what pairs of items speak for."""
    # The whole picture comes first, the mirrored one before any.
    (view_one, frame_one), (view_two, frame_two) = items.places(one), items.places(two)
    swap = view_one > view_two
    frames = np.where(swap, frame_two, frame_one), np.where(swap, frame_one, frame_two)
    views = np.where(swap, view_two, view_one), np.where(swap, view_one, view_two)
    clips = prints.clip[frames[0]], prints.clip[frames[1]]
    good = (views[0] <= 0) & (views[1] >= 0) & (clips[0] != clips[1])
    shift = prints.seconds[frames[1][good]] - prints.seconds[frames[0][good]]
    steps = np.rint(shift.astype(np.float64) * _STEPS).astype(np.int64)
    first, second = clips[0][good].astype(np.uint64), clips[1][good].astype(np.uint64)
    view, mirrored = views[1][good].astype(np.int64), views[0][good] < 0
    # Of two whole pictures, either may be the first.
    turn = (view == 0) & (first > second)
    first, second = np.where(turn, second, first), np.where(turn, first, second)
    steps = np.where(turn, -steps, steps)
    how = ((view * 2 + mirrored) << 32) + (steps + (1 << 31))
    return _Votes((first << np.uint64(32)) | second, how, np.ones(len(how), np.int64))


def _merged(votes: list[_Votes]) -> _Votes:
    """Return votes counted together."""
    pair = np.concatenate([some.pair for some in votes])
    how = np.concatenate([some.how for some in votes])
    count = np.concatenate([some.count for some in votes])
    order = np.lexsort((how, pair))
    pair, how, count = pair[order], how[order], count[order]
    begins = np.flatnonzero(_changes(pair) | _changes(how))
    return _Votes(pair[begins], how[begins], np.add.reduceat(count, begins) if len(pair) else count)


def _changes(values: npt.NDArray[np.generic]) -> Flags:
    """Tell which values differ from the one before; the first does."""
    return np.concatenate([np.ones(min(len(values), 1), bool), values[1:] != values[:-1]])


def _best(prints: Fingerprints, votes: _Votes) -> Hypotheses:
    """Return for each pair of clips what most speaks for, and that nothing is shifted."""
    whole, other = (votes.pair >> np.uint64(32)), (votes.pair & np.uint64(0xFFFFFFFF))
    low, high = np.minimum(whole, other), np.maximum(whole, other)
    order = np.lexsort((votes.how, whole, -votes.count, high, low))
    fresh = np.flatnonzero(_changes(low[order]) | _changes(high[order]))
    sizes = np.diff(np.append(fresh, len(order)))
    rank = np.arange(len(order)) - np.repeat(fresh, sizes)
    enough = np.repeat(np.add.reduceat(votes.count[order], fresh) if len(fresh) else fresh, sizes)
    both = np.minimum(
        prints.counts[low[order].astype(np.int64)], prints.counts[high[order].astype(np.int64)]
    )
    # Of two clips with several hashes, two that agree by chance are no reason to look.
    order = order[(rank < _MOST) & ((enough > 1) | (both < EVERY))]
    how = votes.how[order]
    view, steps = how >> 32, (how & 0xFFFFFFFF) - (1 << 31)
    return Hypotheses(
        whole[order].astype(np.int64),
        other[order].astype(np.int64),
        view >> 1,
        (view & 1).astype(bool),
        steps / _STEPS,
    )


def in_parts(found: Hypotheses, size: int) -> Iterator[Hypotheses]:
    """Yield hypotheses a few at a time."""
    for at in range(0, len(found), size):
        yield found.take(slice(at, at + size))
