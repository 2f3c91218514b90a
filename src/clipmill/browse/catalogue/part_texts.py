"""The captions of parts of videos, which rows of a table name, beside the clips of these parts."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import VIDEO_ID_DIGITS, Clip
from clipmill.pipeline.context import PROBE, Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.steps.spans import named_parts

PART_TEXTS = pa.schema([("key", pa.string()), ("text", pa.string())])


def part_texts(context: Context, listing: VideoList, parents: pa.Table) -> pa.Table:
    """Return the caption of every part: `PART_TEXTS`, `key` is the clip of the part.

    Args:
        context: Has the table of `probe`.
        listing: Videos, with the parts that rows name.
        parents: What each clip was cut from, in the order of the cuts: `clip_id`, `parent`.
    """
    videos = listing.videos.table
    named = np.flatnonzero(np.asarray(pc.is_valid(videos["spans"])))
    if not len(named) or PROBE not in context.stages:
        return PART_TEXTS.empty_table()
    some = videos.select(["video_id", "spans"]).take(pa.array(named)).combine_chunks()
    spans = some["spans"].combine_chunks()
    ids, cut = _first_cuts(parents)
    # Where every part became a clip, clips and parts stand in one order, and no file is asked.
    owner = pc.fill_null(pc.index_in(ids, value_set=some["video_id"].combine_chunks()), -1)
    counts = np.bincount(owner.to_numpy() + 1, minlength=len(named) + 1)[1:]
    plain = np.asarray(pc.list_value_length(spans)) == counts
    order = np.argsort(owner.to_numpy(), kind="stable")
    mine = order[(owner.to_numpy()[order] >= 0) & plain[owner.to_numpy()[order]]]
    texts = pc.struct_field(pc.list_flatten(spans.filter(pa.array(plain))), "text")
    known = pa.table([cut.take(pa.array(mine)), texts], schema=PART_TEXTS)
    others = named_parts(context, listing, named[~plain])
    rows = [
        {"key": Clip(video_id, part.start, part.end).clip_id, "text": part.text}
        for video_id, parts in others.items()
        for part in parts
    ]
    return pa.concat_tables([known, pa.Table.from_pylist(rows, schema=PART_TEXTS)])


def _first_cuts(parents: pa.Table) -> tuple[pa.Array, pa.Array]:
    """Return the clips that were cut from whole videos, after the ids of these videos."""
    children = parents["clip_id"].combine_chunks()
    whole = pc.invert(pc.is_in(parents["parent"], value_set=children))
    cut = children.filter(whole.combine_chunks())
    return pc.utf8_slice_codeunits(cut, 0, VIDEO_ID_DIGITS), cut
