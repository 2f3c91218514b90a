"""Which frame of the source is shown at each frame of an export, and when.

Frame k of an export is shown at k / fps seconds. Where the rate differs from the source's, each
moment shows the source frame that is nearest to it in time: frames are dropped or repeated, never
blended.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

CountRule = Literal["any", "4n+1", "8n+1"]
_STEP: dict[str, int] = {"any": 1, "4n+1": 4, "8n+1": 8}


@dataclass(frozen=True, eq=False)
class Timeline:
    """T frames of an export.

    Attributes:
        fps: Frames per second of the export.
        shown: int64 [T], the source frame that is shown, counted from the start of the video;
            ascending, may repeat.
        positions: float64 [T], the place of each moment k / fps between the source frames, in
            source frames from the start of the video. Equal to `shown` where every source frame
            is taken.
        seconds: float64 [T], presentation time of the shown source frame in its file.
        source_pts: int64 [T], the same in ticks of the file.
        time_base: Seconds per tick of the file.
    """

    fps: Fraction
    shown: npt.NDArray[np.int64]
    positions: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64]
    source_pts: npt.NDArray[np.int64]
    time_base: Fraction

    def __len__(self) -> int:
        return len(self.shown)

    @property
    def every_frame(self) -> bool:
        """Whether the frames are neighbouring source frames, each shown once."""
        return bool((np.diff(self.shown) == 1).all())

    def number_of(self, frame: int) -> int:
        """Return the frame of the export nearest to a source frame.

        Source frames before the first give -1, behind the last T.

        Args:
            frame: Counted from the start of the video.
        """
        if frame < self.shown[0]:
            return -1
        if frame > self.shown[-1]:
            return len(self)
        return int(np.searchsorted(self.shown, frame))


def allowed_count(count: int, rule: CountRule) -> int:
    """Return the largest number of frames up to `count` that a rule allows."""
    step = _STEP[rule]
    return (count - 1) // step * step + 1


def native_rate(rate: Fraction, *, variable: bool) -> Fraction:
    """Return the constant rate of an export at the source's own speed.

    A variable rate is rounded to whole frames per second.
    """
    if rate <= 0:
        return Fraction(1)
    return Fraction(max(1, round(rate))) if variable else rate.limit_denominator(1001)


def expected_count(
    num_frames: int,
    rate: Fraction,
    *,
    fps: Fraction | None,
    rule: CountRule = "any",
    max_frames: int | None = None,
) -> int:
    """Return the frames that `make_timeline` gives of a source with a constant rate.

    Args:
        num_frames: Of the source.
        rate: Its frames per second.
        fps: Frames per second wanted; the source's when None.
        rule: Numbers of frames that are allowed.
        max_frames: Upper bound of the number of frames.
    """
    if fps is None or fps == rate:
        count = num_frames
    else:
        count = max(1, int(np.floor(float(num_frames * fps / rate) + 1e-6)))
    if max_frames is not None:
        count = min(count, allowed_count(max_frames, rule))
    return allowed_count(count, rule)


def make_timeline(
    pts: npt.NDArray[np.int64],
    time_base: Fraction,
    *,
    first: int,
    fps: Fraction,
    same_rate: bool,
    rule: CountRule = "any",
    max_frames: int | None = None,
) -> Timeline:
    """Return the timeline over source frames [first, first + len(pts)).

    Args:
        pts: int64 [F], presentation times of these source frames in ticks, ascending.
        time_base: Seconds per tick.
        first: Number of the first of them, counted from the start of the video.
        fps: Frames per second wanted.
        same_rate: Whether the source has this rate, constantly: every frame is then taken.
        rule: Numbers of frames that are allowed; the end is cut off.
        max_frames: Upper bound of the number of frames.
    """
    times = (pts - pts[0]) * float(time_base)
    if same_rate:
        count = len(pts)
    else:
        # The last frame is shown for as long as the others on average.
        period = times[-1] / (len(times) - 1) if len(times) > 1 else float(1 / fps)
        count = max(1, int(np.floor((times[-1] + period) * float(fps) + 1e-6)))
    count = allowed_count(count if max_frames is None else min(count, max_frames), rule)
    if same_rate:
        local, places = np.arange(count), np.arange(count, dtype=np.float64)
    else:
        moments = np.arange(count) / float(fps)
        places = np.interp(moments, times, np.arange(len(times), dtype=np.float64))
        middles = (times[1:] + times[:-1]) / 2
        local = np.searchsorted(middles, moments, side="left")
    return Timeline(
        fps=fps,
        shown=(local + first).astype(np.int64),
        positions=places + first,
        seconds=np.asarray(pts[local] * float(time_base), np.float64),
        source_pts=pts[local].astype(np.int64),
        time_base=time_base,
    )
