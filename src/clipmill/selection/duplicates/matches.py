"""Pairs of clips that show the same."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from clipmill.selection.duplicates.agreement import compare_pairs
from clipmill.selection.duplicates.fingerprints import Fingerprints, Numbers
from clipmill.selection.duplicates.hypotheses import Flags, Hypotheses, in_parts, likely_pairs
from clipmill.selection.duplicates.view_columns import ViewColumns, in_lots

_AT_ONCE: Final = 1 << 15
"""Hypotheses whose frames are compared at once."""


@dataclass(frozen=True, eq=False)
class ClipMatches:
    """Pairs of clips that show the same, each pair once, by ascending numbers.

    Attributes:
        one: int64 [m]: a clip.
        two: int64 [m]: the other one, of a higher number.
        distance: float64 [m]: mean bits in which their frames differ.
        share: float64 [m]: share of the shorter one's frames that the other has too.
        mirrored: bool [m].
        cropped: bool [m]: whether one shows a part of the other.
    """

    one: Numbers
    two: Numbers
    distance: npt.NDArray[np.float64]
    share: npt.NDArray[np.float64]
    mirrored: Flags
    cropped: Flags


def find_matches(prints: Fingerprints, *, distance: float, overlap: float) -> ClipMatches:
    """Find the pairs of clips that show the same.

    Args:
        prints: Hashes of all clips.
        distance: Mean bits in which the frames of two clips may differ.
        overlap: Share of the frames of the shorter clip that the other must have too.
    """
    parts = []
    for lot in in_lots(prints, likely_pairs(prints)):
        columns = ViewColumns(prints, lot)
        for some in in_parts(lot, _AT_ONCE):
            found = compare_pairs(prints, some, columns)
            rows = np.flatnonzero(found.holds(distance=distance, overlap=overlap))
            parts.append(_matches(some.take(rows), found.distance[rows], found.share[rows]))
    return _one_of_each(parts)


def _matches(
    some: Hypotheses, distance: npt.NDArray[np.float64], share: npt.NDArray[np.float64]
) -> ClipMatches:
    return ClipMatches(
        np.minimum(some.whole, some.other),
        np.maximum(some.whole, some.other),
        distance,
        share,
        some.mirrored,
        some.view > 0,
    )


def _one_of_each(parts: list[ClipMatches]) -> ClipMatches:
    """Return the closest match of each pair."""
    one = np.concatenate([np.empty(0, np.int64), *(part.one for part in parts)])
    two = np.concatenate([np.empty(0, np.int64), *(part.two for part in parts)])
    distance = np.concatenate([np.empty(0), *(part.distance for part in parts)])
    share = np.concatenate([np.empty(0), *(part.share for part in parts)])
    mirrored = np.concatenate([np.empty(0, np.bool_), *(part.mirrored for part in parts)])
    cropped = np.concatenate([np.empty(0, np.bool_), *(part.cropped for part in parts)])
    order = np.lexsort((cropped, mirrored, -share, distance, two, one))
    one, two = one[order], two[order]
    first = np.ones(len(order), bool)
    first[1:] = (one[1:] != one[:-1]) | (two[1:] != two[:-1])
    rows = order[first]
    return ClipMatches(
        one[first], two[first], distance[rows], share[rows], mirrored[rows], cropped[rows]
    )
