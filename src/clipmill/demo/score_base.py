"""What the demo's scores are made of: rows that were found, their truth, and bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

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
