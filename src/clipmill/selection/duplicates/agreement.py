"""How well two clips agree under a hypothesis, frame by frame."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from clipmill.selection.duplicates.fingerprints import (
    APART,
    Fingerprints,
    Numbers,
    row_ranges,
)
from clipmill.selection.duplicates.hypotheses import Flags, Hypotheses
from clipmill.selection.duplicates.view_columns import ViewColumns

Floats = npt.NDArray[np.float64]

MOTION: Final = 20.0
"""Mean bits in which changes may differ; those of other moments of one scene differ in 32."""

STILL_DISTANCE: Final = 6.0
"""Mean bits in which pictures may differ where nothing moves that could tell them apart."""

_NEXT: Final = 0.6
"""Part of the time between two frames of a clip within which there is always one of the other."""

_APART: Final = (0.13, 1.0)
"""Seconds at least and at most of that."""

_FEW: Final = 3
"""Changes that must be known to be believed."""


@dataclass(frozen=True, eq=False)
class PairAgreement:
    """How well hypotheses hold, m of them.

    Attributes:
        share: float64 [m]: share of the frames of the clip with fewer that the other one has too.
        distance: float64 [m]: mean bits in which these differ; 64 where there are none.
        motion: float64 [m]: mean bits in which what changes differs; infinite where changes are
            known of both clips, but none that they would share; 0 where one clip is still.
    """

    share: Floats
    distance: Floats
    motion: Floats

    def holds(self, *, distance: float, overlap: float) -> Flags:
        """Tell which hypotheses hold."""
        near = np.where(self.motion > 0, distance, min(distance, STILL_DISTANCE))
        return (self.distance <= near) & (self.share >= overlap) & (self.motion <= MOTION)


def compare_pairs(prints: Fingerprints, some: Hypotheses, columns: ViewColumns) -> PairAgreement:
    """Compare the frames of pairs of clips.

    Args:
        prints: Hashes of all clips.
        some: What is to be compared.
        columns: Hashes of the views that it names.
    """
    counts = prints.counts[some.whole]
    pair = np.repeat(np.arange(len(some)), counts)
    mine = row_ranges(prints.first[some.whole], counts)
    wanted = prints.seconds[mine] + some.shift[pair]
    theirs = _nearest(prints.times, some.other[pair] * APART + wanted)
    met = (prints.clip[theirs] == some.other[pair]) & (
        np.abs(prints.seconds[theirs] - wanted) <= _apart(prints, some)[pair]
    )
    pair, mine, theirs = pair[met], mine[met], theirs[met]
    turn = np.where(some.mirrored[pair], prints.mirror, np.uint64(0))
    view = some.view[pair]
    pictures, others = columns.take(theirs, view)
    bits = np.bitwise_count((prints.whole[mine] ^ turn) ^ pictures)
    moves = prints.motion[mine]
    known = (moves != 0) & (others != 0)
    changes = np.bitwise_count((moves ^ turn) ^ others)
    size = len(some)
    number = np.bincount(pair, minlength=size)
    moving = np.bincount(pair, known, minlength=size)
    fewer = np.minimum(counts, prints.counts[some.other])
    return PairAgreement(
        number / np.maximum(fewer, 1),
        _means(np.bincount(pair, bits, minlength=size), number, least=1, otherwise=64.0),
        np.where(
            (moving >= _FEW) | ~_both_move(prints, some),
            _means(np.bincount(pair, changes * known, minlength=size), moving, least=_FEW),
            np.inf,
        ),
    )


def _both_move(prints: Fingerprints, some: Hypotheses) -> Flags:
    """Tell of which pairs of clips enough changes are known to tell them apart."""
    return (prints.moving[some.whole] >= _FEW) & (prints.moving[some.other] >= _FEW)


def _apart(prints: Fingerprints, some: Hypotheses) -> Floats:
    """Return how many seconds two frames may be apart to be compared, float64 [m]."""
    steps = np.maximum(prints.spacing[some.whole], prints.spacing[some.other])
    return (_NEXT * steps).clip(*_APART)


def _means(
    sums: npt.NDArray[Any], counts: npt.NDArray[Any], *, least: int, otherwise: float = 0.0
) -> Floats:
    """Return sums over counts, and something else where too few were counted."""
    return np.where(counts >= least, sums / np.maximum(counts, 1), otherwise)


def _nearest(times: Floats, wanted: Floats) -> Numbers:
    """Return the rows of the times next to those wanted."""
    behind = np.searchsorted(times, wanted).clip(1, max(len(times) - 1, 1))
    before = behind - 1
    behind = np.minimum(behind, len(times) - 1)
    closer = np.abs(times[before] - wanted) <= np.abs(times[behind] - wanted)
    return np.where(closer, before, behind).astype(np.int64)
