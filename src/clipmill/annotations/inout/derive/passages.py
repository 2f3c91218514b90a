"""When an object is in the picture: where it came in, when it had left, where its mask is lost."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from clipmill.annotations.inout.derive.journey import Journey
from clipmill.vision.masks import touches_edge


def lost_share(
    masks: Sequence[npt.NDArray[np.bool_]], journey: Journey, leave: int | None
) -> float:
    """Return the share of frames without a mask, from the anchor to where it was last seen.

    After that a sample ends: a thing that is lost for good costs frames, not the sample.
    """
    before = len(journey.backward)
    kept = [bool(mask.any()) for mask in masks[before:]]
    seen = np.flatnonzero(kept)
    if not len(seen):
        return 1.0
    end = int(seen[-1]) + 1 if leave is None else leave - journey.anchor
    return 1 - sum(kept[:end]) / end


def passages(
    masks: Sequence[npt.NDArray[np.bool_]], journey: Journey
) -> tuple[int | None, int | None]:
    """Return the frames (clip index) at which an object came in and had left for good."""
    present = [position for position, mask in enumerate(masks) if mask.any()]
    if not present:
        return None, None
    first = journey.first_frame
    begin = max(1, present[0] - journey.before)
    end = min(len(masks) - 1, present[-1] + 1 + journey.after)
    enter = first + begin if journey.came and present[0] > 0 else None
    leave = first + end if journey.left and present[-1] + 1 < len(masks) else None
    return enter, leave


def stretches(masks: Sequence[npt.NDArray[np.bool_]], first: int) -> npt.NDArray[np.int32]:
    """Return the half-open frame ranges in which there is a mask, int32 [S, 2]."""
    there = np.array([False, *(mask.any() for mask in masks), False])
    edges = np.flatnonzero(there[1:] != there[:-1])
    return (edges.reshape(-1, 2) + first).astype(np.int32)


def uncut(
    counting: npt.NDArray[np.int64], masks: Sequence[npt.NDArray[np.bool_]]
) -> npt.NDArray[np.int64]:
    """Return the frames in which the picture's border does not cut an object; else all."""
    whole = [frame for frame in counting if not touches_edge(masks[frame])]
    return np.asarray(whole, np.int64) if whole else counting
