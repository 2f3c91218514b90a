"""Histograms as plain geometry, drawn by the page as SVG."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipmill.inspection.scores import Score, cut_lines

WIDTH, HEIGHT = 320.0, 96.0
"""Size of the plot area in SVG units; y goes down."""

BINS = 36
"""Most bars of a plot."""

WIDEST = 24.0
"""Bars are no wider, however few values there are."""

_SKEWED = 30.0
"""Positive values are drawn on a logarithmic axis when the largest is this many medians."""

_DWARFED = 30.0
"""Counts are drawn on a logarithmic axis when the tallest bar is this many medians of the bars."""


@dataclass(frozen=True)
class Bar:
    """One bin: the kept part stands on the axis, the dropped one on top of it.

    Attributes:
        x: Left edge.
        width: Width.
        kept: Height of the kept part.
        dropped: Height of the part that the cuts of the score drop.
        label: Range and counts.
    """

    x: float
    width: float
    kept: float
    dropped: float
    label: str


@dataclass(frozen=True)
class CutLine:
    """Where a rule cut.

    Attributes:
        x: Place on the axis, clipped to the plot.
        label: Value and rule.
        text: The value, with an arrow when it lies beyond the axis.
        anchor: SVG `text-anchor` that keeps the text inside.
    """

    x: float
    label: str
    text: str
    anchor: str


@dataclass(frozen=True)
class Tick:
    """A mark of the axis of counts.

    Attributes:
        y: Place, from the top of the plot.
        text: The count.
    """

    y: float
    text: str


@dataclass(frozen=True)
class CountScale:
    """The axis of counts.

    Attributes:
        most: Count of the tallest bar, at least 1.
        logarithmic: Whether heights are those of log(1 + count).
    """

    most: int
    logarithmic: bool

    @classmethod
    def of(cls, counts: npt.NDArray[np.int64]) -> "CountScale":
        """Return the axis on which all bars can be seen."""
        bars = counts[counts > 0]
        most = int(counts.max(initial=1))
        return cls(most, len(bars) > 2 and bool(most > _DWARFED * np.median(bars)))

    def height(self, count: float) -> float:
        """Return the height of a bar, in SVG units."""
        if self.logarithmic:
            return HEIGHT * math.log1p(count) / math.log1p(self.most)
        return HEIGHT * count / self.most

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """Marks from the top down: the largest round counts, or powers of ten."""
        if self.logarithmic:
            counts = [10**k for k in range(len(str(self.most)))]
            counts = counts[:: -(-len(counts) // 4)]
        else:
            step = 10 ** (len(str(self.most)) - 1)
            top = self.most // step * step
            counts = [top // 2, top] if top > 1 and top % 2 == 0 else [top]
        return tuple(
            Tick(HEIGHT - self.height(count), f"{count:,}")
            for count in sorted(counts, reverse=True)
        )


@dataclass(frozen=True)
class Histogram:
    """A score, ready to be drawn.

    Attributes:
        score: What is drawn.
        bars: Left to right.
        lines: Cut lines.
        low: Label of the left end of the axis.
        high: Label of the right end.
        logarithmic: Whether the axis of values is.
        counts: The axis of counts.
        count: Numbers drawn.
        missing: Items without a number.
        notes: One line per cut: rule, number dropped, or why it dropped nothing.
    """

    score: Score
    bars: tuple[Bar, ...]
    lines: tuple[CutLine, ...]
    low: str
    high: str
    logarithmic: bool
    counts: CountScale
    count: int
    missing: int
    notes: tuple[str, ...]


def histogram(score: Score) -> Histogram:
    """Lay out the histogram of a score."""
    finite = np.isfinite(score.values)
    values = score.values[finite]
    dropped = np.zeros(len(values), bool)
    for cut in score.cuts:
        dropped |= score.dropped(cut)[finite]
    marks = [value for cut in score.cuts for value in cut_lines(cut)]
    low, high = _ends(values, marks)
    edges, logarithmic = bin_edges(values, marks)
    if not len(values):
        low, high = float(edges[0]), float(edges[-1])
    counts = CountScale.of(np.histogram(values, edges)[0])
    return Histogram(
        score=score,
        bars=tuple(_bars(values, dropped, edges, counts, logarithmic=logarithmic)),
        lines=tuple(_lines(score, edges, logarithmic=logarithmic)),
        low=number(low),
        high=number(high),
        logarithmic=logarithmic,
        counts=counts,
        count=len(values),
        missing=int((~finite).sum()),
        notes=tuple(_notes(score)),
    )


def bin_edges(
    values: npt.NDArray[np.float64], marks: list[float]
) -> tuple[npt.NDArray[np.float64], bool]:
    """Return the edges of the bins, evenly spaced along the axis, and whether that is logarithmic.

    Args:
        values: Finite numbers, float64 [n].
        marks: Values that shall be in sight if they are not far off.
    """
    logarithmic = _is_skewed(values, marks)
    low, high = _ends(values, marks)
    return _edges(values, low, high, logarithmic=logarithmic), logarithmic


def number(value: float) -> str:
    """Return a number as people write it."""
    if not np.isfinite(value):
        return "no number"
    if abs(value) >= 1e7:
        return f"{value:.2e}"
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) >= 10 else f"{value:.3g}"


def _is_skewed(values: npt.NDArray[np.float64], marks: list[float]) -> bool:
    everything = np.concatenate([values, np.array(marks, np.float64)])
    if not len(values) or everything.min() <= 0:
        return False
    return bool(values.max() > _SKEWED * np.median(values))


def _ends(values: npt.NDArray[np.float64], marks: list[float]) -> tuple[float, float]:
    """Ends of the axis: all values, and cut lines that are not far off."""
    if not len(values):
        return (min(marks), max(marks)) if marks else (0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    reach = max(high - low, abs(high) * 0.5, 1e-9)
    near = [mark for mark in marks if low - reach <= mark <= high + reach]
    return min([low, *near]), max([high, *near])


def _edges(
    values: npt.NDArray[np.float64], low: float, high: float, *, logarithmic: bool
) -> npt.NDArray[np.float64]:
    if logarithmic:
        return np.geomspace(low, high, BINS + 1)
    whole = bool(len(values)) and bool((values == np.round(values)).all())
    if whole and high - low < BINS:
        return np.arange(np.floor(low), np.floor(high) + 2) - 0.5
    if high <= low:
        margin = max(abs(low) * 0.05, 1e-6)
        low, high = low - margin, high + margin
    return np.linspace(low, high, BINS + 1)


def _place(value: float, edges: npt.NDArray[np.float64], *, logarithmic: bool) -> float:
    ends, at = edges[[0, -1]], value
    if logarithmic:
        ends, at = np.log(ends), float(np.log(max(value, edges[0])))
    return float(np.clip((at - ends[0]) / (ends[1] - ends[0]), 0, 1) * WIDTH)


def _bars(
    values: npt.NDArray[np.float64],
    dropped: npt.NDArray[np.bool_],
    edges: npt.NDArray[np.float64],
    counts: CountScale,
    *,
    logarithmic: bool,
) -> list[Bar]:
    total = np.histogram(values, edges)[0]
    out = np.histogram(values[dropped], edges)[0]
    bars = []
    for left, right, n, gone in zip(edges[:-1], edges[1:], total, out, strict=True):
        if not n:
            continue
        x0 = _place(float(left), edges, logarithmic=logarithmic)
        x1 = _place(float(right), edges, logarithmic=logarithmic)
        label = f"{number(float(left))} to {number(float(right))}: {n}"
        label += f", {gone} of them dropped here" if gone else ""
        width = min(max(1.0, x1 - x0 - 1), WIDEST)
        left_edge = (x0 + x1 - width) / 2
        # On a logarithmic axis the whole bar has the height of its count; its parts share it.
        height = counts.height(int(n))
        bars.append(Bar(left_edge, width, height * (n - gone) / n, height * gone / n, label))
    return bars


def _lines(score: Score, edges: npt.NDArray[np.float64], *, logarithmic: bool) -> list[CutLine]:
    lines = []
    for cut in score.cuts:
        for value in cut_lines(cut):
            x = _place(value, edges, logarithmic=logarithmic)
            anchor = "start" if x < WIDTH * 0.15 else "end" if x > WIDTH * 0.85 else "middle"
            text = number(value)
            if value > edges[-1]:
                text += " →"
            elif value < edges[0]:
                text = "← " + text
            lines.append(CutLine(x, f"{cut.rule}: {number(value)}", text, anchor))
    return lines


def _notes(score: Score) -> list[str]:
    notes = []
    for cut in score.cuts:
        if cut.guarded:
            notes.append(
                f"{cut.rule}: switched off, {cut.population} values are under min_population"
            )
        else:
            notes.append(f"{cut.rule}: {cut.dropped} of {cut.population} dropped")
    return notes
