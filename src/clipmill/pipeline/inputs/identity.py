"""From listed files to contents: which video a file is, and which files are copies of another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import VIDEO_ID_DIGITS
from clipmill.sources.columns import VideoRows
from clipmill.store.annotations import AnnotationTable


@dataclass(frozen=True)
class Identified:
    """Listed videos, each named by its content where that is known.

    Attributes:
        videos: In their order. Copies, and files that are not probed or cannot be, keep the id
            that they were listed with.
        first: int64 [n]: of a file whose content an earlier one has, the row of that; -1 of others.
    """

    videos: VideoRows
    first: npt.NDArray[np.int64]


def contents_of(probe: AnnotationTable) -> pa.Table:
    """Return `key` (`file_id`) and `content`, its digest, of every file that was probed."""
    return contents_in(probe.columns(["content"]))


def contents_in(rows: pa.Table) -> pa.Table:
    """Return `key` and `content` of `probe` rows that are ok."""
    rows = rows.select(["key", "content"])
    return rows.filter(pc.is_valid(rows["content"]))


def identify(videos: VideoRows, file_ids: pa.Array, contents: pa.Table) -> Identified:
    """Name videos by their content.

    Of files with the same content the first in the listing stands for all; where it has no
    caption and no parts with captions, it takes those of the first copy that has some.

    Args:
        videos: As listed, in order.
        file_ids: Of these.
        contents: See `contents_of`.
    """
    table = videos.table
    rows = pc.index_in(file_ids, value_set=contents["key"].combine_chunks())
    digests = contents["content"].combine_chunks().take(rows)
    names = pc.utf8_slice_codeunits(digests, 0, VIDEO_ID_DIGITS)
    first = _first_of(names)
    is_copy = first >= 0
    named = pc.if_else(pa.array(is_copy), pa.scalar(None, pa.string()), names)
    table = _set(table, "video_id", pc.coalesce(named, table["video_id"]))
    if is_copy.any():
        table = _with_texts_of_copies(table, first)
    return Identified(VideoRows(table), first)


def _first_of(names: pa.Array) -> npt.NDArray[np.int64]:
    """Return for every name the row where it was first, -1 where that is its own, or for null."""
    codes = pc.fill_null(names.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False)
    # Codes are numbered as they come.
    highest = np.maximum.accumulate(np.concatenate([[-1], codes]))
    firsts = np.flatnonzero(np.diff(highest))
    rows = np.full(len(codes), -1, np.int64)
    known = codes >= 0
    rows[known] = firsts[codes[known]]
    rows[firsts] = -1
    return rows


def _with_texts_of_copies(table: pa.Table, first: npt.NDArray[np.int64]) -> pa.Table:
    """Give firsts without a caption or parts those of their copies."""
    texts, spans = table["text"].to_pylist(), table["spans"]
    has_spans = pc.is_valid(spans).to_numpy()
    taken: dict[int, int] = {}
    for copy in np.flatnonzero(first >= 0):
        at = int(first[copy])
        shown = taken.get(at, at)
        if not (texts[shown] or has_spans[shown]):
            taken[at] = int(copy)
    rows = np.arange(len(first))
    rows[list(taken)] = list(taken.values())
    where = pa.array(rows)
    return _set(_set(table, "text", table["text"].take(where)), "spans", spans.take(where))


def _set(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)
