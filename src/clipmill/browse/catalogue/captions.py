"""The captions of all clips in columns: what is shown, and what is searched."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.browse.catalogue.part_texts import part_texts
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.results.measures import first_places
from clipmill.results.stored import StoredSamples

_CAPTION = "caption"


@dataclass(frozen=True, eq=False)
class ClipCaptions:
    """Captions of n clips; where several anchors have one each, a line each.

    Attributes:
        shown: string [n]: that of its samples, else that of its caption row, else what came with
            its part of the video, else with the video; null where there is none.
        searched: string [n]: all of them.
    """

    shown: pa.Array
    searched: pa.Array


def captions_of(
    context: Context,
    listing: VideoList,
    samples: StoredSamples,
    *,
    video_ids: pa.Array,
    lineage: Sequence[pa.Array],
    parents: pa.Table,
) -> ClipCaptions:
    """Return the captions of clips.

    Args:
        context: Has the caption rows.
        listing: Has what came with the videos and their parts.
        samples: Those of the run.
        video_ids: Video of each, string [n].
        lineage: Ids of the clips, of what they were cut from, ...
        parents: What each clip was cut from.
    """
    rows = samples.table(["clip_id", _CAPTION])
    found = [_joined(rows["clip_id"], rows[_CAPTION], lineage[:1])]
    stage = context.stages.get(_CAPTION)
    if stage is not None:
        rows = stage.table.exploded("captions", ["text"])
        found.append(_joined(rows["key"], rows["text"], lineage))
    parts = part_texts(context, listing, parents)
    if parts.num_rows:
        found.append(_joined(parts["key"], parts["text"], lineage))
    videos = listing.videos.table
    place = pc.index_in(video_ids, value_set=videos["video_id"].combine_chunks())
    # The text of a whole video is not that of its parts.
    whole = pc.if_else(pc.is_valid(videos["spans"]), None, videos["text"]).combine_chunks()
    found.append(whole.take(place))
    shown = pc.coalesce(*found)
    return ClipCaptions(shown, _together(shown, found))


def _together(shown: pa.Array, found: Sequence[pa.Array]) -> pa.Array:
    """Return all texts of each clip in one; what is shown itself where none says more."""
    more = np.zeros(len(shown), bool)
    for texts in found:
        more |= np.asarray(pc.fill_null(pc.not_equal(texts, shown), False))
    rows = pa.array(np.flatnonzero(more))
    if not len(rows):
        return shown
    some = [texts.take(rows) for texts in found]
    joined = pc.binary_join_element_wise(*some, "\n", null_handling="skip")
    return pc.replace_with_mask(shown, pa.array(more), joined)


def _joined(keys: Any, texts: Any, lineage: Sequence[pa.Array]) -> pa.Array:
    """Return the texts of each clip in one; null where there is none but empty ones."""
    rows = pa.table({"key": keys, "text": texts})
    rows = rows.filter(pc.greater(pc.binary_length(rows["text"]), 0))
    # The same text at two anchors is told once.
    rows = rows.group_by(["key", "text"], use_threads=False).aggregate([])
    lists = rows.group_by("key", use_threads=False).aggregate([("text", "list")]).combine_chunks()
    joined = pc.binary_join(lists["text_list"].combine_chunks(), "\n")
    return joined.take(first_places(lineage, lists["key"]))
