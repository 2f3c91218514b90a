"""How far the annotations of the demo are from the truth.

```python
found = {"pan.mp4": [DemoRows(clip=clip, rows={"objects": row, "tracks": row, ...}), ...], ...}
scores = score_demo(read_truths(folder), found)
console.print(score_table(scores))
```
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table

from clipmill.clips import Clip
from clipmill.demo.truth import SceneTruth


@dataclass(frozen=True)
class DemoRows:
    """What a finished workspace says of one clip of a video.

    Attributes:
        clip: Frame range; only `start` and `end` are used. `shots` rows belong to the clip before
            the shot split, the others to the clip after it: give each with its own clip.
        rows: Annotation name -> row, e.g. `{"objects": ObjectsRow(...)}`; names may be missing.
    """

    clip: Clip
    rows: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DemoScore:
    """One line of the demo's last table.

    Attributes:
        name: What was compared.
        value: The result; None when there was nothing to compare, which does not pass.
        unit: Unit of value and bar; empty for shares.
        bar: What it is held to.
        at_least: Whether the value must reach the bar, rather than stay within it.
        count: Things compared.
    """

    name: str
    value: float | None
    unit: str
    bar: float
    at_least: bool
    count: int

    @property
    def passed(self) -> bool:
        """Whether the bar is met."""
        if self.value is None or np.isnan(self.value):
            return False
        return self.value >= self.bar if self.at_least else self.value <= self.bar


Found = Mapping[str, Sequence[DemoRows]]
Truths = Mapping[str, SceneTruth]


def at_least(name: str, values: Sequence[float], bar: float, *, unit: str = "") -> DemoScore:
    """Hold the mean of values to a lower bar."""
    value = float(np.mean(values)) if values else None
    return DemoScore(name=name, value=value, unit=unit, bar=bar, at_least=True, count=len(values))


def at_most(name: str, value: float | None, bar: float, *, unit: str = "", count: int) -> DemoScore:
    """Hold a value to an upper bar; without anything counted there is no value."""
    value = value if count else None
    return DemoScore(name=name, value=value, unit=unit, bar=bar, at_least=False, count=count)


def rows_of(truths: Truths, found: Found, annotation: str) -> list[tuple[str, SceneTruth, Any]]:
    """Return (video name, truth, (clip, row)) of every scored row of an annotation, in order."""
    return [
        (name, truths[name], (part.clip, part.rows[annotation]))
        for name in sorted(truths)
        for part in found.get(name, ())
        if annotation in part.rows
    ]


def score_demo(truths: Truths, found: Found) -> list[DemoScore]:
    """Compare all annotations with the truth.

    Args:
        truths: Truth by video file name, see `clips.read_truths`.
        found: Rows of the finished workspace by video file name. Videos without truth are
            ignored; a video that is missing here (dropped, say) is not scored.

    Returns:
        Scores in the order of the pipeline. A row that is missing for all videos leaves its
        scores without a value.
    """
    from clipmill.demo import scores_motion, scores_objects, scores_picture

    return [
        scores_picture.score_shots(truths, found),
        *scores_picture.score_quality(truths, found),
        *scores_objects.score_objects(truths, found),
        *scores_motion.score_camera(truths, found),
        *scores_motion.score_tracks(truths, found),
        *scores_objects.score_inout(truths, found),
    ]


def score_table(scores: Sequence[DemoScore]) -> Table:
    """Return the scores as a table for the terminal."""
    table = Table(title="Distance from the known truth", title_justify="left")
    for column, justify in (
        ("what", "left"), ("found", "right"), ("bar", "right"), ("compared", "right"), ("", "left"),
    ):  # fmt: skip
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for score in scores:
        unit = f" {score.unit}" if score.unit else ""
        value = "nothing to compare" if score.value is None else f"{score.value:.3g}{unit}"
        bar = f"{'>=' if score.at_least else '<='} {score.bar:g}{unit}"
        verdict = "[green]ok[/]" if score.passed else "[red]missed[/]"
        table.add_row(score.name, value, bar, str(score.count), verdict)
    return table
