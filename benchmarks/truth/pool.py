"""The figures of all videos together, with the bars that they are held to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: What was compared.
        value: The result; None where there was nothing to compare.
        text: The result, written out.
        bar: What it is held to; None for those that are only told.
        at_least: Whether the value must reach the bar, rather than stay within it.
    """

    name: str
    value: float | None
    text: str
    bar: float | None = None
    at_least: bool = True

    @property
    def passed(self) -> bool | None:
        """Whether the bar is met; None without a bar or without anything to compare."""
        if self.bar is None or self.value is None:
            return None
        # Shares such as 5 of 6 are held to 5 / 6.
        near = 1e-9
        return self.value >= self.bar - near if self.at_least else self.value <= self.bar + near


@dataclass
class Pool:
    """What was measured on the videos, before it is averaged.

    Attributes:
        found: Per `davis` video, whether an object covers the person-made mask (IoU >= 0.5).
        anchor: Best IoU at the anchors of those videos.
        time: Per object that was found, IoU of the carried masks, mean over frames.
        precise: Per object, whether at least half of its area lies on the person-made mask.
        on_object: Per object that was found, share of visible points on the mask grown by 4 px.
        visible: Per object that was found, share of points said to be visible while it is seen.
        joints: Per joint and marked frame, whether the point nearby went with it (PCK@0.1).
        sampled: Per `davis` video, whether it gave a sample.
        right: Whether it gave a sample of an object that was found.
        stage2: Whether it gave one for stage 2.
        enter: Per `crop` video with an entry, whether it is told within 3 frames.
        exit: The same for exits.
        cut_hits: Hard cuts that were found.
        cut_true: Hard cuts that there are.
        cut_false: Cuts that are none.
        dissolve: Per dissolve, whether it was found.
        fade: Per fade, whether it was found.
        rotation: Per sampled pair of frames, error of the rotation, degrees a frame.
        true_turn: The true turn of those, degrees a frame.
        no_camera: Videos without a camera row.
    """

    found: list[bool] = field(default_factory=list)
    anchor: list[float] = field(default_factory=list)
    time: list[float] = field(default_factory=list)
    precise: list[bool] = field(default_factory=list)
    on_object: list[float] = field(default_factory=list)
    visible: list[float] = field(default_factory=list)
    joints: list[bool] = field(default_factory=list)
    sampled: list[bool] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    stage2: list[bool] = field(default_factory=list)
    enter: list[bool] = field(default_factory=list)
    exit: list[bool] = field(default_factory=list)
    cut_hits: int = 0
    cut_true: int = 0
    cut_false: int = 0
    dissolve: list[bool] = field(default_factory=list)
    fade: list[bool] = field(default_factory=list)
    rotation: list[float] = field(default_factory=list)
    true_turn: list[float] = field(default_factory=list)
    no_camera: list[str] = field(default_factory=list)

    def figures(self) -> list[Figure]:
        """Return the table, in the order of the pipeline's promises."""
        return [
            _mean("found", self.found, 0.85),
            _mean("J anchor", self.anchor, 0.72),
            _mean("J time", self.time, 0.70),
            _mean("precision", self.precise, 0.75),
            _mean("on object", self.on_object, 0.90),
            _mean("visible", self.visible, 0.60),
            _mean("joints, PCK@0.1", self.joints, 0.50),
            _count("samples", self.sampled),
            _count("right samples", self.right, 7 / 10),
            _count("stage 2", self.stage2),
            _count("enter within 3", self.enter),
            _count("exit within 3", self.exit),
            _count("enter and exit", [*self.enter, *self.exit], 3 / 4),
            self._hard_cuts(),
            _count("dissolves", self.dissolve),
            _count("fades", self.fade),
            _count("gradual", [*self.dissolve, *self.fade], 5 / 6),
            self._false_cuts(),
            _median("rotation, deg/frame", self.rotation, 0.08),
            _median("true turn, deg/frame", self.true_turn),
        ]

    def _hard_cuts(self) -> Figure:
        if not self.cut_true + self.cut_false:
            return Figure("hard cuts, F1", None, "no data", 0.95)
        precision = self.cut_hits / max(1, self.cut_hits + self.cut_false)
        recall = self.cut_hits / max(1, self.cut_true)
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        text = f"{f1:.2f} (precision {precision:.2f}, recall {recall:.2f})"
        return Figure("hard cuts, F1", f1, text, 0.95)

    def _false_cuts(self) -> Figure:
        told = bool(self.cut_true + self.cut_false)
        value, text = (float(self.cut_false), str(self.cut_false)) if told else (None, "no data")
        return Figure("false cuts", value, text, 0, at_least=False)


def _mean(name: str, values: Sequence[float], bar: float) -> Figure:
    return _over(name, values, bar, np.mean, at_least=True)


def _median(name: str, values: Sequence[float], bar: float | None = None) -> Figure:
    return _over(name, values, bar, np.median, at_least=False)


def _over(
    name: str,
    values: Sequence[float],
    bar: float | None,
    pooled: Callable[[Sequence[float]], np.floating],
    *,
    at_least: bool,
) -> Figure:
    if not values:
        return Figure(name, None, "no data", bar, at_least)
    value = float(pooled(values))
    return Figure(name, value, f"{value:.3f} (n={len(values)})", bar, at_least)


def _count(name: str, hits: Sequence[bool], bar: float | None = None) -> Figure:
    if not hits:
        return Figure(name, None, "no data", bar)
    return Figure(name, sum(hits) / len(hits), f"{sum(hits)} of {len(hits)}", bar)
