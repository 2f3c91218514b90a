"""Facts of videos and clips by id, out of columns: an object is made when it is asked for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import Video
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import SortedTexts

ValueT = TypeVar("ValueT")


class ByVideo(Mapping[str, ValueT]):
    """One value of each video.

    Args:
        listing: The videos.
        values: Of each, in their order; null for none.
    """

    def __init__(self, listing: VideoList, values: Sequence[ValueT] | pa.Array) -> None:
        ids = listing.videos.table["video_id"].combine_chunks()
        order = pc.sort_indices(ids)
        self._ids, self._rows = SortedTexts(ids.take(order)), order.to_numpy()
        self._values = values

    def __getitem__(self, video_id: str) -> ValueT:
        at = self._ids.find(video_id)
        if at is None:
            raise KeyError(video_id)
        return self._values[int(self._rows[at])]

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)


def videos_by_id(listing: VideoList) -> Mapping[str, Video]:
    """Return the videos of a listing by id."""
    return ByVideo(listing, listing.videos)


class FrameCounts(ByVideo[int]):
    """Frames of whole videos.

    Args:
        listing: The videos.
        counts: int64 [n], -1 where they are not counted.
    """

    def __init__(self, listing: VideoList, counts: npt.NDArray[np.int64]) -> None:
        super().__init__(listing, counts)
        self._known = int((counts >= 0).sum())

    def __getitem__(self, video_id: str) -> int:
        count = int(super().__getitem__(video_id))
        if count < 0:
            raise KeyError(video_id)
        return count

    def __len__(self) -> int:
        return self._known

    def __iter__(self) -> Iterator[str]:
        return (video_id for video_id in super().__iter__() if video_id in self)


class ClipScores(Mapping[str, tuple[float | None, ...]]):
    """Scores of clips.

    Args:
        tables: Of each annotation: `key`, ascending, then its scores.
    """

    def __init__(self, tables: Sequence[pa.Table] = ()) -> None:
        self._tables = [table.combine_chunks() for table in tables]
        self._keys = [SortedTexts(table["key"].combine_chunks()) for table in self._tables]

    def __getitem__(self, clip_id: str) -> tuple[float | None, ...]:
        values: list[float | None] = []
        places = [keys.find(clip_id) for keys in self._keys]
        if all(at is None for at in places):
            raise KeyError(clip_id)
        for table, at in zip(self._tables, places, strict=True):
            scores = table.columns[1:]
            values += [None if at is None else column[at].as_py() for column in scores]
        return tuple(values)

    def __len__(self) -> int:
        return len(self._every())

    def __iter__(self) -> Iterator[str]:
        return iter(SortedTexts(self._every()))

    def _every(self) -> pa.Array:
        keys = [table["key"].combine_chunks() for table in self._tables]
        return pc.unique(pa.concat_arrays([pa.array([], pa.string()), *keys]))
