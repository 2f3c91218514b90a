"""What one step would do, and who is in behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from clipmill.config import StepSettings
from clipmill.pipeline.population import Flags, Ints
from clipmill.selection.cuts import Cut
from clipmill.whatif.segment import ClipSegment, KeptObjects, SegmentObjects

REASONS_OUT = pa.schema(
    [
        ("state", pa.string()),
        ("rule", pa.string()),
        ("column", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
    ]
)
"""Why something is out, as in the verdicts of a run."""

NOBODY: Ints = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class State:
    """Who is in between two steps.

    Attributes:
        segment: All clips that can be here.
        alive: bool [n]: those that are.
        objects: Objects that are kept; None before the first selection of objects.
    """

    segment: ClipSegment
    alive: Flags
    objects: KeptObjects | None = None


@dataclass(frozen=True, eq=False)
class Judged:
    """What a selection looked at, for its histograms.

    Attributes:
        table: Columns of all clips or objects of the segment.
        rows: int64 [m]: rows of the judged ones.
        kept: bool [m].
        ranked: bool [m]: those that the percentiles were taken over.
        ascending: int64: places in `rows` by ascending number, of columns with a percentile.
    """

    table: pa.Table
    rows: Ints
    kept: Flags
    ranked: Flags
    ascending: Mapping[str, Ints]


@dataclass(frozen=True, eq=False)
class ObjectsOut:
    """Objects that a selection drops.

    Attributes:
        objects: All there are.
        rows: int64 [k]: the dropped ones, ascending.
        why: Rows of `REASONS_OUT`, one each.
    """

    objects: SegmentObjects
    rows: Ints
    why: pa.Table


@dataclass(frozen=True, eq=False)
class StepOutcome:
    """What a step would do.

    Attributes:
        settings: Its entry in the pipeline file.
        segment: Clips that can reach it.
        entering: Clips that do.
        leaving: Clips that go on.
        out: int64 [k]: rows of those that a rule drops or that failed, ascending.
        why: Rows of `REASONS_OUT`, one each.
        waiting: int64: rows of those that have to be measured first, ascending.
        objects: Objects that go; None but for selections of objects.
        judged: What a selection looked at.
        cuts: Of a selection: where each rule cuts.
    """

    settings: StepSettings
    segment: ClipSegment
    entering: int
    leaving: int
    out: Ints = field(default_factory=lambda: NOBODY)
    why: pa.Table = field(default_factory=REASONS_OUT.empty_table)
    waiting: Ints = field(default_factory=lambda: NOBODY)
    objects: ObjectsOut | None = None
    judged: Judged | None = None
    cuts: tuple[Cut, ...] = ()
