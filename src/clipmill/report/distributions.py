"""What the final samples are like: distributions of what a trainer sees of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.config import SamplesStep
from clipmill.inspection.histogram import Histogram, histogram
from clipmill.inspection.scores import Score
from clipmill.pipeline.context import Context
from clipmill.samples.table import sample_parts

MOST_SOURCES = 12
"""Sources that are listed; the rest is summed up."""

_PLAIN = ["num_frames", "fps", "caption", "source", "relative_path"]
_OBJECT = ["area", "motion_strength", "motion_compensated"]


@dataclass(frozen=True)
class Distribution:
    """One number of all samples, or of all their objects.

    Attributes:
        histogram: Ready to be drawn.
        about: What it is of, e.g. `1,200 samples`.
        middle: The median, in the unit of the title; None where there is no number.
    """

    histogram: Histogram
    about: str
    middle: float | None


@dataclass(frozen=True)
class SourceCount:
    """How many samples are of one source.

    Attributes:
        name: The source; of an unnamed one, the folder at its top.
        samples: Their number.
        share: Of all samples, (0, 1].
    """

    name: str
    samples: int
    share: float


@dataclass(frozen=True)
class Finals:
    """The final samples.

    Attributes:
        distributions: Lengths, sizes, motion, captions.
        sources: Where they are from, most first.
    """

    distributions: tuple[Distribution, ...] = ()
    sources: tuple[SourceCount, ...] = ()


def final_samples(context: Context) -> Finals:
    """Return what the samples of the last run are like; nothing when there are none."""
    columns = [*_PLAIN, *(f"objects.list.element.{name}" for name in _OBJECT)]
    tables = [
        table
        for step in context.pipeline.steps_of(SamplesStep)
        for path in sample_parts(context.workspace, step.samples)
        if (table := context.workspace.read_table(path, columns=columns)) is not None
    ]
    if not sum(table.num_rows for table in tables):
        return Finals()
    samples = pa.concat_tables(tables)
    objects = pa.concat_arrays([chunk.flatten() for chunk in samples["objects"].chunks])
    of_objects = {name: _floats(pc.struct_field(objects, name)) for name in _OBJECT}
    lengths = _floats(samples["num_frames"]) / np.maximum(_floats(samples["fps"]), 1e-9)
    words = np.array([len((text or "").split()) for text in samples["caption"].to_pylist()], float)
    counts = _floats(pc.list_value_length(samples["objects"]))
    drawn = [
        _distribution("length, seconds", "sample", lengths),
        _distribution("objects per sample", "sample", counts),
        _distribution("object size, % of the frame", "object", 100 * of_objects["area"]),
        _distribution("motion strength of objects", "object", of_objects["motion_strength"]),
        _distribution(
            "motion without the camera's, ‰ of the diagonal per frame",
            "object",
            of_objects["motion_compensated"],
        ),
        _distribution("caption, words", "sample", words),
    ]
    return Finals(tuple(one for one in drawn if len(one.histogram.score.values)), _sources(samples))


def _floats(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.float64]:
    return np.asarray(pc.fill_null(pc.cast(column, pa.float64()), float("nan")), np.float64)


def _distribution(title: str, level: str, values: npt.NDArray[np.float64]) -> Distribution:
    laid = histogram(Score(title, "", level, pa.array([], pa.string()), values))
    finite = values[np.isfinite(values)]
    middle = float(np.median(finite)) if len(finite) else None
    return Distribution(laid, f"{len(finite):,} {level}s", middle)


def _sources(samples: pa.Table) -> tuple[SourceCount, ...]:
    named = samples["source"].to_pylist()
    paths = samples["relative_path"].to_pylist()
    counts = Counter(map(_source_of, named, paths))
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    rest = sum(count for _, count in ordered[MOST_SOURCES:])
    shown: Sequence[tuple[str, int]] = ordered[:MOST_SOURCES]
    if rest:
        shown = [*shown, (f"{len(ordered) - MOST_SOURCES} others", rest)]
    return tuple(SourceCount(name, count, count / total) for name, count in shown)


def _source_of(source: str | None, path: str | None) -> str:
    folder, slash, _ = (path or "").partition("/")
    return source or (folder if slash else "(no folder)")
