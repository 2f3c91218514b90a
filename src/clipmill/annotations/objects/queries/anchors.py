"""Which frames of a clip to look for objects in."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_ABSENT = 6  # frames; a thing that is not seen for fewer was hardly gone
_MOST = 0.7
"""Share of its largest size from which a thing that came in is well seen."""


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


def entry_anchors(
    areas: Sequence[float], at_edge: Sequence[bool], *, first: int, within: int
) -> list[int]:
    """Return frames where a thing has just come in and is well seen.

    Args:
        areas: Pixels of its mask, one value per frame from `first` on; 0 where it is not seen.
        at_edge: Whether its mask touches the picture's edge.
        first: Clip index of the first value.
        within: Frames after an entry in which it is looked for.

    Returns:
        One frame (clip index) per entry: the first after it in which the thing has most of the
        size that it reaches within that time, off the edge if it gets off it. A thing that is
        there at the clip's first frame has not come in then, and one that is lost for a moment has
        not come in again.
    """
    seen = np.asarray(areas, float)
    free = ~np.asarray(at_edge, bool)
    present = seen > 0
    entries = np.flatnonzero(present & ~np.concatenate([[False], present[:-1]]))
    found: list[int] = []
    for entry in entries:
        if first + entry == 0 or present[max(0, entry - _ABSENT) : entry].any():
            continue
        stay = present[entry : entry + within]
        length = len(stay) if stay.all() else int(np.argmin(stay))
        sizes = seen[entry : entry + length]
        whole = sizes * free[entry : entry + length]
        sizes = whole if whole.any() else sizes
        found.append(first + int(entry) + int(np.argmax(sizes >= _MOST * sizes.max())))
    return found
