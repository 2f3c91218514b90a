"""Who is still in, between two steps: columns, not an object per clip."""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import VIDEO_ID_DIGITS, Clip, Video, text_id_for
from clipmill.sources.columns import VideoRows

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_DIGITS = 6
"""Digits of a frame number in a clip id, at least."""

_HASHED = 65_536
"""Captions that are hashed at a time."""

_CHUNK = 4096


class Part(NamedTuple):
    """Frames of a video that a row of a table has asked for, and its caption."""

    start: int
    end: int
    text: str | None


@dataclass(frozen=True, eq=False)
class ClipColumns:
    """Clips as columns: 16 bytes each.

    Attributes:
        video: int32 [n]: row of the video, or file, that each is cut from.
        start: int32 [n]: first frame.
        end: int32 [n]: one past the last frame.
    """

    video: npt.NDArray[np.int32]
    start: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]

    @classmethod
    def whole(cls, count: int) -> "ClipColumns":
        """Return the clip [0, 1) of each of so many files."""
        return cls(
            np.arange(count, dtype=np.int32), np.zeros(count, np.int32), np.ones(count, np.int32)
        )

    def __len__(self) -> int:
        return len(self.video)

    def take(self, rows: Ints | Flags | slice) -> "ClipColumns":
        """Return the clips of some rows, or of those that are flagged."""
        return ClipColumns(self.video[rows], self.start[rows], self.end[rows])

    def distinct(self) -> "ClipColumns":
        """Return every clip once, where it is first."""
        columns = {"video": self.video, "start": self.start, "end": self.end}
        table = pa.table(columns | {"row": np.arange(len(self))})
        first = table.group_by(list(columns)).aggregate([("row", "min")])["row_min"]
        return self if len(first) == len(self) else self.take(np.sort(first.to_numpy()))


class ObjectIds(Collection[str]):
    """Ids of objects in one sorted column.

    Args:
        ids: string [n].
    """

    def __init__(self, ids: pa.Array | pa.ChunkedArray) -> None:
        ids = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
        self.ids: pa.Array = ids.take(pc.sort_indices(ids))

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        for scalar in self.ids:
            yield scalar.as_py()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and SortedTexts(self.ids).find(name) is not None


class SortedTexts(Sequence[str]):
    """A sorted Arrow column of texts in which one can be found without reading all.

    Args:
        column: string [n], ascending.
    """

    def __init__(self, column: pa.Array) -> None:
        self._column = column

    def find(self, text: str) -> int | None:
        """Return the place of a text; None where it is not there."""
        at = bisect_left(self, text)
        return at if at < len(self) and self[at] == text else None

    def __len__(self) -> int:
        return len(self._column)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._column[index].as_py()


@dataclass(frozen=True, eq=False)
class Population:
    """Videos and clips that reached a step.

    Attributes:
        videos: All listed videos, also those that are out. Before `probe` has read them, files.
        file_ids: `file_id` of each.
        clips: Clips still in, ordered by video listing and start. Before `probe` has counted
            frames, each file is stood for by the clip [0, 1).
        probed: Whether `clips` hold real frame ranges.
        kept_objects: Object ids that all object-level selections kept; None before the first.
        parts: Parts of the videos of which rows name some, by video id, once frames are counted.
    """

    videos: VideoRows
    file_ids: pa.Array
    clips: ClipColumns
    probed: bool = False
    kept_objects: ObjectIds | None = None
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """What the population consists of, for people."""
        return "clips" if self.probed else "videos"

    @cached_property
    def keys(self) -> pa.Array:
        """Key of every member: its clip id, or its file id before `probe`; string [n]."""
        return clip_ids(self.video_ids, self.clips) if self.probed else self.members_files

    @cached_property
    def video_ids(self) -> pa.Array:
        """Video of every member, string [n]."""
        return self.videos.table["video_id"].combine_chunks().take(pa.array(self.clips.video))

    @cached_property
    def members_files(self) -> pa.Array:
        """`file_id` of the file of every member, the key of its probe row; string [n]."""
        return self.file_ids.take(pa.array(self.clips.video))

    @property
    def text_ids(self) -> pa.Array:
        """Name of every member's caption, see `text_id_for`; string [n]."""
        found = [pa.array([], pa.string())]
        for at in range(0, len(self.clips), _HASHED):
            some = self.with_clips(self.clips.take(slice(at, at + _HASHED)))
            texts = some.texts().dictionary_encode()
            ids = pa.array(map(text_id_for, texts.dictionary.to_pylist()), pa.string())
            found.append(pc.fill_null(ids.take(texts.indices), ""))
        return pa.concat_arrays(found)

    def texts(self) -> pa.Array:
        """Return the caption of every member, that of its part where it has one; string [n]."""
        texts = self.videos.table["text"].combine_chunks().take(pa.array(self.clips.video))
        if not self.parts:
            return texts
        cut = pc.is_in(self.video_ids, value_set=pa.array(list(self.parts), pa.string()))
        rows = np.flatnonzero(np.asarray(cut))
        own = [video.text for chunk in self.chunks(rows, _CHUNK) for video in chunk.videos]
        return pc.replace_with_mask(texts, cut, pa.array(own, pa.string()))

    def with_clips(self, clips: ClipColumns) -> "Population":
        """Return the population with other clips."""
        return replace(self, clips=clips)

    def keep(self, flags: Flags) -> "Population":
        """Return the population of those members that are flagged."""
        return self if flags.all() else self.with_clips(self.clips.take(flags))

    def chunks(self, rows: Ints, size: int) -> Iterator["Chunk"]:
        """Yield some members as objects, a few at a time.

        Args:
            rows: Their rows.
            size: Most of a chunk.
        """
        for at in range(0, len(rows), size):
            yield self._chunk(rows[at : at + size])

    def _chunk(self, rows: Ints) -> "Chunk":
        some = self.with_clips(self.clips.take(rows))
        videos = VideoRows(self.videos.table.take(pa.array(some.clips.video)))
        names = some.video_ids.to_pylist()
        clips = list(map(Clip, names, some.clips.start.tolist(), some.clips.end.tolist()))
        return Chunk(
            keys=some.keys.to_pylist(),
            files=some.members_files.to_pylist(),
            clips=clips,
            videos=[
                video_of(clip, video, self.parts) for clip, video in zip(clips, videos, strict=True)
            ],
        )


@dataclass(frozen=True)
class Chunk:
    """A few members of a population as objects, side by side.

    Attributes:
        keys: See `Population.keys`.
        files: `file_id` of the file that each is cut from.
        clips: The clips.
        videos: Video of each, with the caption of the part that the clip is in.
    """

    keys: list[str]
    files: list[str]
    clips: list[Clip]
    videos: list[Video]


def video_of(clip: Clip, video: Video, parts: Mapping[str, Sequence[Part]]) -> Video:
    """Return the video of a clip, with the caption of the part that the clip is in.

    Where several parts hold it, the shortest one counts.
    """
    mine = parts.get(clip.video_id)
    if not mine:
        return video
    holding = [p for p in mine if p.start <= clip.start and clip.end <= p.end]
    part = min(holding, key=lambda p: (p.end - p.start, p.text is None), default=None)
    return replace(video, text=part.text if part else None, spans=())


def clip_ids(video_ids: pa.Array, clips: ClipColumns) -> pa.Array:
    """Return the ids of clips, see `Clip.clip_id`; string [n]."""
    frames = [_padded(clips.start), _padded(clips.end)]
    return pc.binary_join_element_wise(video_ids, *frames, "-")


def _padded(frames: npt.NDArray[np.int32]) -> pa.Array:
    # A few lengths and starts are those of nearly all clips: each is written once.
    numbers = pa.array(frames).dictionary_encode()
    texts = pc.utf8_lpad(pc.cast(numbers.dictionary, pa.string()), _DIGITS, "0")
    return texts.take(numbers.indices)


def parse_clip_ids(ids: pa.Array, video_ids: pa.Array) -> ClipColumns:
    """Return the clips of ids; ids of videos that are not among the given ones are left out.

    Args:
        ids: string [n].
        video_ids: Of the videos whose rows `ClipColumns.video` counts; string [m].
    """
    rows = pc.index_in(pc.utf8_slice_codeunits(ids, 0, VIDEO_ID_DIGITS), value_set=video_ids)
    ids, rows = ids.filter(pc.is_valid(rows)), rows.drop_null()
    frames = pc.split_pattern(pc.utf8_slice_codeunits(ids, VIDEO_ID_DIGITS + 1), "-")
    start, end = (pc.cast(pc.list_element(frames, at), pa.int32()).to_numpy() for at in (0, 1))
    return ClipColumns(rows.to_numpy(), start, end)
