"""The captions of all clips in one column."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.results.measures import first_places
from clipmill.results.stored import StoredSamples

_CAPTION = "caption"


def captions_of(
    context: Context,
    listing: VideoList,
    samples: StoredSamples,
    *,
    video_ids: pa.Array,
    lineage: Sequence[pa.Array],
) -> pa.Array:
    """Return the caption of every clip, string [n]; null where there is none.

    That of its samples counts, else that of its caption row, else what came with its video. Where
    several anchors have one each, a line each.

    Args:
        context: Has the caption rows.
        listing: Has what came with the videos.
        samples: Those of the run.
        video_ids: Video of each, string [n].
        lineage: Ids of the clips, of what they were cut from, ...
    """
    videos = listing.videos.table
    place = pc.index_in(video_ids, value_set=videos["video_id"].combine_chunks())
    found = [videos["text"].combine_chunks().take(place)]
    stage = context.stages.get(_CAPTION)
    if stage is not None:
        rows = stage.table.exploded("captions", ["text"])
        found.insert(0, _joined(rows["key"], rows["text"], lineage))
    rows = samples.table(["clip_id", _CAPTION])
    found.insert(0, _joined(rows["clip_id"], rows[_CAPTION], lineage[:1]))
    return pc.coalesce(*found)


def _joined(keys: Any, texts: Any, lineage: Sequence[pa.Array]) -> pa.Array:
    """Return the texts of each clip in one; null where there is none but empty ones."""
    rows = pa.table({"key": keys, "text": texts})
    rows = rows.filter(pc.greater(pc.binary_length(rows["text"]), 0))
    # The same text at two anchors is told once.
    rows = rows.group_by(["key", "text"], use_threads=False).aggregate([])
    lists = rows.group_by("key", use_threads=False).aggregate([("text", "list")]).combine_chunks()
    joined = pc.binary_join(lists["text_list"].combine_chunks(), "\n")
    return joined.take(first_places(lineage, lists["key"]))
