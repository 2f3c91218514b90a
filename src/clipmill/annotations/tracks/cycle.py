"""There and back: do tracks lead home?

A track is trusted when following it back from its end leads to where it began. The way back
starts at the last frame in which the object is seen at all: from an object that has left the
picture, or is hidden at the end, nothing can be followed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from clipmill.annotations.tracks import pose as poses
from clipmill.annotations.tracks.arrays import Flags, Floats, Gray
from clipmill.annotations.tracks.body import Seed
from clipmill.annotations.tracks.follow import Followed, follow

_MIN_SEEN_SHARE = 0.1
_MIN_VISIBLE_SHARE = 0.2  # of the frames in which a point lies in the picture


@dataclass(frozen=True)
class CycledObject:
    """Tracks of an object and how far they miss their beginning.

    Attributes:
        points: float64 [T, N, 2], working pixels.
        visible: bool [T, N].
        error: float64 [N], working pixels; the frame's diagonal for a point that was hardly
            ever seen where it should be: nothing speaks for its track.
    """

    points: Floats
    visible: Flags
    error: Floats


def follow_and_return(
    frames: Sequence[Gray], seeds: Sequence[Seed], *, check: Callable[[], None]
) -> list[CycledObject]:
    """Follow objects to the last frame and back.

    Args:
        frames: T >= 1 images uint8 [H, W], the first being the anchor.
        seeds: One per object.
        check: Called once per frame and direction.

    Returns:
        One result per seed.
    """
    forward = follow(frames, seeds, check=check)
    ends = [_last_seen(result) for result in forward]
    height, width = frames[0].shape
    home: list[Floats] = [np.zeros((0, 2))] * len(seeds)
    # Objects that end in the same frame go back together.
    for end in sorted(set(ends)):
        chosen = [number for number, own_end in enumerate(ends) if own_end == end]
        back = follow(
            frames[end::-1] if end else frames[:1],
            [_turned(forward[number], end, seeds[number].mask) for number in chosen],
            check=check,
        )
        for number, result in zip(chosen, back, strict=True):
            home[number] = result.points[-1]
    cycled = []
    for seed, result, reached in zip(seeds, forward, home, strict=True):
        error = np.linalg.norm(reached - seed.points, axis=1)
        unseen = _hardly_seen(result, width=width, height=height)
        cycled.append(
            CycledObject(
                points=result.points,
                visible=result.visible,
                error=np.where(unseen, np.hypot(width, height), error),
            )
        )
    return cycled


def _last_seen(result: Followed) -> int:
    """Return the last frame with enough visible points; 0 when there is none after it."""
    visible = np.concatenate([result.visible, result.support_visible], axis=1)
    enough = visible.sum(axis=1) >= max(3, _MIN_SEEN_SHARE * visible.shape[1])
    return int(np.flatnonzero(enough)[-1]) if enough.any() else 0


def _turned(result: Followed, end: int, mask: Flags) -> Seed:
    """Return where the way back starts; the mask comes along as the object moved as a whole."""
    start = np.concatenate([result.points[0], result.support[0]])
    there = np.concatenate([result.points[end], result.support[end]])
    moved = poses.fit_all(start, there) if len(start) > 1 else poses.identity()
    height, width = mask.shape
    turned = cv2.warpAffine(mask.astype(np.uint8), moved, (width, height), flags=cv2.INTER_NEAREST)
    return Seed(
        points=result.points[end],
        support=result.support[end][result.support_visible[end]],
        visible=result.visible[end],
        mask=turned.astype(bool),
    )


def _hardly_seen(result: Followed, *, width: int, height: int) -> Flags:
    """Return which points were seen in next to none of the frames that should show them, [N]."""
    places = result.points[1:]
    within = ((places >= 0) & (places <= (width - 1, height - 1))).all(axis=2)
    seen = (result.visible[1:] & within).sum(axis=0)
    return np.asarray(seen < _MIN_VISIBLE_SHARE * within.sum(axis=0), bool)
