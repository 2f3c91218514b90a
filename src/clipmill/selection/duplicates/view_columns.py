"""The hashes of single views of single clips: of those that another clip may be a part of."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from clipmill.selection.duplicates.fingerprints import Fingerprints, Hashes, Numbers
from clipmill.selection.duplicates.hypotheses import Hypotheses

_VIEWS: Final = 256
"""More than a picture has."""

_AT_ONCE: Final = 1 << 24
"""Hashes of views that are held at once, and as many of changes."""


class ViewColumns:
    """Hashes of all frames of the views that hypotheses name.

    Args:
        prints: Hashes of all clips.
        some: What is to be compared.
    """

    def __init__(self, prints: Fingerprints, some: Hypotheses) -> None:
        self._prints = prints
        part = some.view > 0
        self._codes = np.unique(some.other[part] * _VIEWS + some.view[part])
        clips, views = self._codes // _VIEWS, self._codes % _VIEWS
        counts = prints.counts[clips]
        self._first = np.cumsum(counts) - counts
        self._hashes = np.zeros(int(counts.sum()), np.uint64)
        self._motion = np.zeros(len(self._hashes), np.uint64)
        wanted = np.unique(clips)
        begins = np.searchsorted(clips, [wanted, wanted + 1])
        for clip, _, hashes, motion in prints.read(wanted) if len(wanted) else ():
            at = int(np.searchsorted(wanted, clip))
            for column in range(begins[0, at], begins[1, at]):
                rows = slice(self._first[column], self._first[column] + len(hashes))
                self._hashes[rows] = hashes[:, views[column]]
                self._motion[rows] = motion[:, views[column]]

    def take(self, rows: Numbers, view: Numbers) -> tuple[Hashes, Hashes]:
        """Return the hashes of views of frames, and of the changes that lead to them, uint64 [m].

        Args:
            rows: int64 [m]: rows of the frames.
            view: int64 [m].
        """
        hashes, motion = self._prints.whole[rows], self._prints.motion[rows]
        part = np.flatnonzero(view)
        clips = self._prints.clip[rows[part]].astype(np.int64)
        column = np.searchsorted(self._codes, clips * _VIEWS + view[part])
        place = self._first[column] + rows[part] - self._prints.first[clips]
        hashes[part], motion[part] = self._hashes[place], self._motion[place]
        return hashes, motion


def in_lots(prints: Fingerprints, found: Hypotheses) -> Iterator[Hypotheses]:
    """Yield hypotheses, so many at a time that the views they name fit into memory."""
    needs = np.cumsum(np.where(found.view > 0, prints.counts[found.other], 0))
    begin = 0
    while begin < len(found):
        had = int(needs[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(needs, had + _AT_ONCE, side="right")))
        yield found.take(slice(begin, end))
        begin = end
