"""What one step did to the population; the material of `status`, `why` and the report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from clipmill.clips import Clip
from clipmill.selection.cuts import Cut

VERDICTS = pa.schema(
    [
        ("key", pa.string()),  # video_id, clip_id or object_id
        ("level", pa.string()),  # video, clip, object
        ("clip_id", pa.string()),
        ("video_id", pa.string()),
        ("state", pa.string()),  # kept, dropped, failed, postponed, split
        ("rule", pa.string()),  # the rule that decided, or the error
        ("column", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("rank", pa.int64()),  # ascending, from 1, among the population of the rule
        ("population", pa.int64()),
    ]
)
"""One row per video, clip or object that a step decided about."""


POSTPONED = "postponed"
"""State of what the machine could not do: no verdict, every run tries it again."""

_INTO = "into "

OUT = ("dropped", "failed", POSTPONED)
"""States of what does not go on."""


@dataclass(frozen=True)
class StepReport:
    """The outcome of one step.

    Attributes:
        title: Name shown to users, unique in the pipeline.
        kind: `source`, `annotate`, `select`, `split` or `samples`.
        unit: What enters and leaves: `videos` or `clips`.
        entering: Videos or clips that reached the step.
        leaving: Those that go on; children of a split, clips with samples.
        dropped: Those dropped by a rule.
        failed: Those with a failed row or a value that is no number.
        postponed: Those that the machine could not do; the next run tries them again.
        pending: Those without a row yet; steps behind a pending one are not evaluated.
        objects_dropped: Objects dropped by an object-level selection.
        samples: Samples written, of the last step.
        stage2_samples: Those of them that are ready for stage 2.
        fingerprint: Of the annotation table or the selection; empty otherwise.
        backend: Of an annotation; empty otherwise.
        verdicts: Rows of `VERDICTS`.
        cuts: Of a selection: where each rule cut.
    """

    title: str
    kind: str
    unit: str
    entering: int
    leaving: int
    dropped: int = 0
    failed: int = 0
    postponed: int = 0
    pending: int = 0
    objects_dropped: int = 0
    samples: int = 0
    stage2_samples: int = 0
    fingerprint: str = ""
    backend: str = ""
    verdicts: pa.Table = field(default_factory=VERDICTS.empty_table)
    cuts: tuple[Cut, ...] = ()


def clip_verdict(clip: Clip, state: str, rule: str) -> dict[str, Any]:
    """Return the row of a clip that a step decided about by itself, without a column."""
    return {
        "key": clip.clip_id,
        "level": "clip",
        "clip_id": clip.clip_id,
        "video_id": clip.video_id,
        "state": state,
        "rule": rule,
    }


def into(parts: Iterable[Clip]) -> str:
    """Return the rule of a verdict on a clip that its parts have replaced."""
    return _INTO + ", ".join(part.clip_id for part in parts)


def parts_of(rule: str) -> list[str]:
    """Return the ids of the parts that a rule by `into` names."""
    return rule.removeprefix(_INTO).split(", ")


def verdict_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Build a `VERDICTS` table; missing columns are null."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=VERDICTS)
