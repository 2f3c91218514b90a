"""Groups of clips that show the same, and which of each is kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipmill.selection.duplicates.fingerprints import Numbers
from clipmill.selection.duplicates.matches import ClipMatches

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ClipPlaces:
    """Where clips lie, n of them.

    Attributes:
        video: int64 [n]: number of the video.
        start: int64 [n]: first frame.
        end: int64 [n]: one past the last.
    """

    video: Numbers
    start: Numbers
    end: Numbers

    def side_by_side(self, one: int, two: int) -> bool:
        """Tell whether two clips are of one video and share no frame."""
        apart = self.end[one] <= self.start[two] or self.end[two] <= self.start[one]
        return bool(self.video[one] == self.video[two] and apart)


def group_clips(matches: ClipMatches, places: ClipPlaces, *, within_video: bool) -> Numbers:
    """Put clips that show the same into groups.

    The closest pairs come first. Unless that is asked for, no group gets two clips of one video
    that share no frame: windows of a scene in which nothing happens all look alike, and so do
    those of its copy; each then finds one of the copy's.

    Args:
        matches: Pairs, by ascending numbers.
        places: Where the clips lie.
        within_video: Whether clips of one video that share no frame may be in one group.

    Returns:
        int64 [n]: lowest number of a clip of its group, for each clip.
    """
    parent = list(range(len(places.video)))
    members: dict[int, list[int]] = {}

    def root(clip: int) -> int:
        while parent[clip] != clip:
            parent[clip] = parent[parent[clip]]
            clip = parent[clip]
        return clip

    order = np.lexsort((matches.two, matches.one, -matches.share, matches.distance))
    for one, two in zip(matches.one[order].tolist(), matches.two[order].tolist(), strict=True):
        low, high = sorted((root(one), root(two)))
        if low == high:
            continue
        ours, theirs = members.get(low, [low]), members.get(high, [high])
        if not within_video and _clash(places, ours, theirs):
            continue
        parent[high] = low
        members[low] = ours + theirs
        members.pop(high, None)
    return np.array([root(clip) for clip in range(len(parent))], np.int64)


def _clash(places: ClipPlaces, ours: Sequence[int], theirs: Sequence[int]) -> bool:
    """Tell whether two groups hold clips of one video that share no frame."""
    by_video: dict[int, list[int]] = {}
    for clip in ours:
        by_video.setdefault(int(places.video[clip]), []).append(clip)
    return any(
        places.side_by_side(clip, other)
        for clip in theirs
        for other in by_video.get(int(places.video[clip]), ())
    )


def best_of_groups(groups: Numbers, worth: Sequence[Values]) -> Numbers:
    """Return which clip of its group is kept, for each clip.

    Args:
        groups: int64 [n], of `group_clips`.
        worth: float64 [n] each: what tells which is best, highest first; later ones where the
            earlier are equal. NaN is worth least. Where all are equal, the first clip is kept.
    """
    rows = np.arange(len(groups))
    keys = [rows, *(-np.nan_to_num(values, nan=-np.inf) for values in reversed(worth)), groups]
    order = np.lexsort(keys)
    first = np.ones(len(order), bool)
    first[1:] = groups[order][1:] != groups[order][:-1]
    best = np.empty(len(groups), np.int64)
    best[groups[order[first]]] = order[first]
    return best[groups]


def match_with(kept: Numbers, matches: ClipMatches) -> Numbers:
    """Return the row of the match between each clip and the one kept of its group.

    Args:
        kept: int64 [n], of `best_of_groups`.
        matches: Pairs, by ascending numbers.

    Returns:
        int64 [n]: -1 where the two are alike by way of others only, or are the same.
    """
    size = len(kept)
    clips = np.arange(size)
    wanted = np.minimum(clips, kept) * size + np.maximum(clips, kept)
    known = matches.one * size + matches.two
    at = np.searchsorted(known, wanted).clip(0, max(len(known) - 1, 0))
    if not len(known):
        return np.full(size, -1, np.int64)
    return np.where(known[at] == wanted, at, -1)
