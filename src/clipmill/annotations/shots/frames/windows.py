"""The windows of frames that TransNet V2 and AutoShot read, and what their answers mean."""

from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.annotations.base import ClipInput
from clipmill.annotations.shots.frames.pictures import PictureChecks, PictureShares
from clipmill.annotations.shots.frames.stream import frames_that_decode
from clipmill.video import FrameSize

WINDOW = 100
STEP = 50
MARGIN = 25
"""Of each window of 100 frames the middle 50 outputs count; 25 on each side are context."""

WIDTH, HEIGHT = 48, 27


def small_frames(item: ClipInput) -> tuple[npt.NDArray[np.uint8], PictureShares]:
    """Decode a clip at 48 x 27 (4 kB a frame).

    Returns:
        uint8 [T, 27, 48, 3] RGB, and what else all frames show.
    """
    checks = PictureChecks(item.clip)
    frames = list(frames_that_decode(item, FrameSize(WIDTH, HEIGHT), checks))
    stacked = np.stack(frames) if frames else np.zeros((0, HEIGHT, WIDTH, 3), np.uint8)
    return stacked, checks.shares()


def windows_of(frames: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Cut frames [T, ...] into overlapping windows [K, 100, ...].

    25 copies of the first frame go in front; behind, copies of the last one fill up to a multiple
    of 50, plus 25. Windows begin every 50 frames, so the middle 50 outputs of all windows, joined
    and cut to T, are one output per frame.
    """
    if not len(frames):
        return np.zeros((0, WINDOW, *frames.shape[1:]), frames.dtype)
    fill = -len(frames) % STEP
    padded = np.concatenate(
        [
            np.repeat(frames[:1], MARGIN, axis=0),
            frames,
            np.repeat(frames[-1:], fill + MARGIN, axis=0),
        ]
    )
    starts = range(0, len(padded) - STEP, STEP)
    return np.stack([padded[start : start + WINDOW] for start in starts])


def first_frame_scores(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Move the network's answer, the LAST frame of the old shot, to the first of the new one.

    Args:
        probabilities: float32 [T].

    Returns:
        float32 [T], scores[0] = 0; the answer of the last frame falls away.
    """
    scores = np.zeros_like(probabilities)
    scores[1:] = probabilities[:-1]
    return scores
