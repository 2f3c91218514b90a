"""One row per clip: where its frames are, and how it ended."""

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.pipeline.inputs.videos import VideoList
from clipmill.results.outcomes import OUTCOME, Outcomes
from clipmill.results.stored import StoredSamples

_CLIPS = pa.schema(
    [
        ("clip_id", pa.string()),
        ("video_id", pa.string()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("uri", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("num_frames", pa.int64()),
        *OUTCOME,
        ("num_samples", pa.int64()),
    ]
)


def clip_table(listing: VideoList, outcomes: Outcomes, samples: StoredSamples) -> pa.Table:
    """Return one row per clip, see `Results.clips`.

    Args:
        listing: Videos of the run.
        outcomes: How everything ended.
        samples: Those of the run; none while it is unfinished.
    """
    ends = outcomes.table
    names = _names(listing)
    place = pc.index_in(ends["video_id"], value_set=names["video_id"].combine_chunks())
    of_video = {
        "source": names["source"].take(place),
        "path": names["relative_path"].take(place),
        "uri": names["uri"].take(place),
        "num_frames": pc.subtract(ends["end"], ends["start"]),
        "num_samples": _counts(ends["clip_id"], samples),
    }
    known = of_video | {name: ends[name] for name in ends.column_names}
    return pa.table([known[name] for name in _CLIPS.names], schema=_CLIPS).combine_chunks()


def _names(listing: VideoList) -> pa.Table:
    """Return id, source and address of all that was listed, problems last."""
    problems = listing.problems.table
    source = pa.nulls(problems.num_rows, pa.string())
    columns = ["video_id", "source", "relative_path", "uri"]
    tables = listing.videos.table, problems.append_column("source", source)
    return pa.concat_tables(table.select(columns) for table in tables).combine_chunks()


def _counts(clip_ids: pa.ChunkedArray, samples: StoredSamples) -> pa.Array:
    counts = pc.value_counts(samples.table(["clip_id"])["clip_id"])
    place = pc.index_in(clip_ids, value_set=counts.field("values"), skip_nulls=True)
    return pc.fill_null(counts.field("counts").take(place), 0)
