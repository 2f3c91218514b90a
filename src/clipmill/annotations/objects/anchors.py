"""Which frames of a clip to look for objects in."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def nearest_keyframe(index: int, keyframes: npt.NDArray[np.int64]) -> int:
    """Return the keyframe nearest to a frame, the earlier of two; the frame when there is none."""
    if not len(keyframes):
        return index
    return int(keyframes[np.argmin(np.abs(keyframes - index))])


def choose_anchors(
    num_frames: int,
    fps: float,
    keyframes: npt.NDArray[np.bool_],
    *,
    ratios: Sequence[float],
    min_gap: int,
    sample_fps: float,
    min_sampled: int,
    snap: float,
) -> list[int]:
    """Choose anchors spread over a clip.

    An anchor at a keyframe is sharper and cheaper to decode, so an anchor moves to the nearest
    one, but never far.

    Args:
        num_frames: Length of the clip, n.
        fps: Frames per second.
        keyframes: bool [n], whether a frame of the clip is a keyframe.
        ratios: Wanted places, shares of the clip, in ascending order.
        min_gap: An anchor must lie more than this many frames after the one before.
        sample_fps: Rate at which training samples the clip.
        min_sampled: Frames at that rate that must be left from an anchor on.
        snap: Furthest an anchor may move to a keyframe, share of the clip.

    Returns:
        Frames counted from the clip's start, ascending, without repeats; may be empty.
    """
    scale = sample_fps / fps if fps > 0 else 0.0
    sampled = int(num_frames * scale)
    taken: list[int] = []
    for ratio in ratios:
        frame = int(ratio * num_frames)
        too_close = bool(taken) and frame - taken[-1] <= min_gap
        if too_close or sampled - int(frame * scale) < min_sampled:
            continue
        taken.append(frame)
    places = np.flatnonzero(keyframes)
    snapped = set()
    for frame in taken:
        moved = nearest_keyframe(frame, places)
        snapped.add(moved if abs(moved - frame) <= snap * num_frames else frame)
    return sorted(snapped)
