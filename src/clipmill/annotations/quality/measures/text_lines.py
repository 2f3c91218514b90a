"""Words joined to lines of text, as EasyOCR's `readtext` joins them (Apache-2.0)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

_SLOPE, _CENTRE, _HEIGHT, _WIDTH, _MARGIN = 0.1, 0.5, 0.5, 0.5, 0.1
"""The defaults of EasyOCR's `readtext`."""

Box = tuple[int, int, int, int]
"""Left, right, top, bottom."""


@dataclass(frozen=True)
class _Word:
    """An upright word, in source pixels."""

    left: int
    right: int
    top: int
    bottom: int

    @property
    def centre(self) -> float:
        return 0.5 * (self.top + self.bottom)

    @property
    def height(self) -> int:
        return self.bottom - self.top


def lines_of(words: Sequence[Any]) -> tuple[list[Box], list[npt.NDArray[np.float64]]]:
    """Join words that stand beside each other.

    Args:
        words: int [8] each: x and y of four corners in source pixels, clockwise from the top left.

    Returns:
        Upright lines, with a margin; slanted words as corners float64 [4, 2], with a margin.
    """
    upright, slanted = [], []
    for word in words:
        corners = np.asarray(word).reshape(4, 2)
        if _is_upright(corners):
            (left, top), (right, bottom) = (
                corners.min(axis=0).tolist(),
                corners.max(axis=0).tolist(),
            )
            upright.append(_Word(left, right, top, bottom))
        else:
            slanted.append(_with_margin(corners))
    rows = _rows(sorted(upright, key=lambda word: word.centre))
    joined = [line for row in rows for line in _joined(sorted(row, key=lambda word: word.left))]
    return [_box_of(line) for line in joined], slanted


def _is_upright(corners: npt.NDArray[np.int32]) -> bool:
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = corners.tolist()
    slopes = (y2 - y1) / max(10, x2 - x1), (y3 - y4) / max(10, x3 - x4)
    return max(map(abs, slopes)) < _SLOPE


def _with_margin(corners: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Move the corners of a slanted word outwards."""
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = corners.tolist()
    height, width = np.hypot(x4 - x1, y4 - y1), np.hypot(x2 - x1, y2 - y1)
    margin = int(1.44 * _MARGIN * min(width, height))
    down = abs(np.arctan((y1 - y3) / max(10, x1 - x3)))
    up = abs(np.arctan((y2 - y4) / max(10, x2 - x4)))
    moves = [
        (-np.cos(down), -np.sin(down)),
        (np.cos(up), -np.sin(up)),
        (np.cos(down), np.sin(down)),
        (-np.cos(up), np.sin(up)),
    ]
    return corners + margin * np.array(moves)


def _rows(words: Sequence[_Word]) -> list[list[_Word]]:
    """Part words, from top to bottom, into those at about one height."""
    rows: list[list[_Word]] = []
    for word in words:
        if rows and _is_beside(rows[-1], word):
            rows[-1].append(word)
        else:
            rows.append([word])
    return rows


def _is_beside(row: Sequence[_Word], word: _Word) -> bool:
    centre = float(np.mean([other.centre for other in row]))
    height = float(np.mean([other.height for other in row]))
    return abs(centre - word.centre) < _CENTRE * height


def _joined(row: Sequence[_Word]) -> list[list[_Word]]:
    """Part the words of a row, from left to right, into lines: near enough, and of one height."""
    if not row:
        return []
    lines = [[row[0]]]
    for before, word in pairwise(row):
        height = float(np.mean([other.height for other in lines[-1]]))
        alike = abs(height - word.height) < _HEIGHT * height
        if alike and word.left - before.right < _WIDTH * word.height:
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines


def _box_of(line: Sequence[_Word]) -> Box:
    """Return the box around a line, with a margin."""
    left, right = min(word.left for word in line), max(word.right for word in line)
    top, bottom = min(word.top for word in line), max(word.bottom for word in line)
    margin = int(_MARGIN * min(right - left, bottom - top))
    return left - margin, right + margin, top - margin, bottom + margin
