"""What a pass over all frames of a clip shows besides shots: damage, bars, repeated frames."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.clips import Clip

_BAR_LEVEL = 20
"""Rows and columns at the border whose every pixel is darker are a letterbox bar."""
_WIDEST_BAR = 0.25
"""Share of the height or width that a bar on one side may take."""
_SAME_MEAN, _SAME_MOST = 0.06, 8
"""8-bit levels by which the pixels of a small picture differ on the mean, and any one of them,
where a frame is coded again; of 22 real videos all but three have more between any two frames."""


@dataclass(frozen=True)
class PictureShares:
    """Columns of `ShotsRow` of the same names; see there."""

    damaged_frames: int
    first_damaged: int | None
    letterbox: float
    repeated_frames: float

    def columns(self) -> dict[str, Any]:
        """Return the columns by name."""
        return dict(vars(self))


class PictureChecks:
    """Looks at the small pictures of a clip while they are decoded, frame by frame.

    Args:
        clip: The clip.
    """

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._count = self._repeated = self._damaged = 0
        self._first: int | None = None
        self._bars: npt.NDArray[np.int_] | None = None
        self._size = (1, 1)
        self._last: npt.NDArray[np.uint8] | None = None

    def add(self, image: npt.NDArray[np.uint8], *, damaged: bool) -> None:
        """Take the next frame of the clip.

        Args:
            image: uint8 [h, w, 3] RGB, small, all of one size.
            damaged: Whether the decoder marks it as damaged.
        """
        luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        if damaged:
            self._note(self._clip.start + self._count)
            self._damaged += 1
        if self._last is not None:
            change = cv2.absdiff(luma, self._last)
            self._repeated += bool(change.max() <= _SAME_MOST and change.mean() < _SAME_MEAN)
        if luma.max() > _BAR_LEVEL:  # A black frame says nothing of bars.
            bars = np.array(letterbox(luma))
            self._bars = bars if self._bars is None else np.minimum(self._bars, bars)
        self._size = luma.shape[:2]
        self._last, self._count = luma, self._count + 1

    def shares(self) -> PictureShares:
        """Return what was found; frames of the clip that were not given are missing."""
        missing = self._clip.num_frames - self._count
        if missing:
            self._note(self._clip.start + self._count)
        return PictureShares(
            damaged_frames=self._damaged + missing,
            first_damaged=self._first,
            letterbox=self._bar_share(),
            repeated_frames=self._repeated / max(1, self._count - 1),
        )

    def _note(self, frame: int) -> None:
        self._first = frame if self._first is None else self._first

    def _bar_share(self) -> float:
        if self._bars is None:
            return 0.0
        above, below, left, right = self._bars.tolist()
        height, width = self._size
        return 1 - (height - above - below) * (width - left - right) / (height * width)


def letterbox(luma: npt.NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Return the width of the black bars above, below, left and right; 0 where there is none.

    A frame that is black up to a quarter from the border has no bar there: it is just dark.

    Args:
        luma: uint8 [H, W].
    """
    rows, columns = luma.max(axis=1) > _BAR_LEVEL, luma.max(axis=0) > _BAR_LEVEL
    return _bar(rows), _bar(rows[::-1]), _bar(columns), _bar(columns[::-1])


def _bar(bright: npt.NDArray[np.bool_]) -> int:
    # argmax gives 0 where nothing is bright.
    return int(np.argmax(bright[: int(len(bright) * _WIDEST_BAR) + 1]))
