"""Shots of many clips at once: only of those with a boundary are the scores looked at closely."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.shots.boundaries import shots_from_scores
from clipmill.config import ShotsSplit
from clipmill.pipeline.steps.cutting.ranges import Ranges
from clipmill.store.annotations import AnnotationTable
from clipmill.store.codecs import decode_array, float_rows

_NEAR = 1e-6
"""Scores this near to the threshold, relative to it, are compared as they always were."""


def shots_of(table: AnnotationTable, keys: pa.Array, step: ShotsSplit) -> Ranges:
    """Return the shots of clips; those under `min_frames` are left out.

    Args:
        table: Rows of `ShotsRow`.
        keys: Ids of the clips, string [n].
        step: Settings.
    """
    known = [pa.array([], pa.string())]
    found = [Ranges.none()]
    for batch in table.scan(["scores", "threshold", "num_decoded"]):
        known.append(batch["key"].combine_chunks())
        found.append(_shots(batch, step))
    rows = pc.index_in(keys, value_set=pa.concat_arrays(known))
    return Ranges.joined(found).take(rows.to_numpy())


def _shots(batch: pa.Table, step: ShotsSplit) -> Ranges:
    """Return the shots of some rows."""
    scores = batch["scores"].combine_chunks()
    decoded, thresholds = batch["num_decoded"].to_numpy(), batch["threshold"].to_numpy()
    if step.threshold is not None:
        thresholds = np.full(len(batch), step.threshold)
    lengths, highest = float_rows(scores)
    closely = np.flatnonzero(~(highest < thresholds - _NEAR * np.abs(thresholds)))
    usable = np.minimum(lengths, decoded)
    counts = (usable >= max(step.min_frames, 1)).astype(np.int64)
    cut = {
        int(row): cut_shots(scores[row].as_py(), float(thresholds[row]), int(decoded[row]), step)
        for row in closely
    }
    counts[closely] = [len(shots) for shots in cut.values()]
    end = np.repeat(usable, counts)
    start = np.zeros(len(end), np.int64)
    begins = np.cumsum(counts) - counts
    for row, shots in cut.items():
        for at, (first, last) in enumerate(shots, start=int(begins[row])):
            start[at], end[at] = first, last
    return Ranges(counts, start, end)


def cut_shots(
    scores: bytes, threshold: float, num_decoded: int, step: ShotsSplit
) -> list[tuple[int, int]]:
    """Return the shots of one clip as ranges of frames counted from its start.

    Args:
        scores: See `ShotsRow`, as the next two.
        threshold: Of its own.
        num_decoded: Frames that exist.
        step: Settings; their threshold comes first.
    """
    shots = shots_from_scores(
        decode_array(scores),
        threshold=threshold if step.threshold is None else step.threshold,
        num_decoded=num_decoded,
    )
    parts = [(first, end) for first, end in shots if end - first >= step.min_frames]
    return parts[: step.max_shots]
