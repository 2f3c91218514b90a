"""Follows one thing from a frame where it is known, in one direction of time.

Between key frames the mask goes with the flow; at key frames, and earlier where the flow loses
confidence, it is looked at again, and the frames since the last key frame are carried back from
there as well and blended, so that errors do not grow. A thing that is lost is looked for again
for a while about the place where it was last seen.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.objects.propagation.appearance import Appearance
from clipmill.annotations.objects.propagation.frames import ClipFrames
from clipmill.annotations.objects.propagation.look import (
    Network,
    look_again,
    own_components,
    see_crop,
)
from clipmill.annotations.objects.propagation.warp import carry_mask
from clipmill.vision.masks import Mask, SoftMask, overlap, touches_edge, window_of

_SEEN_SHARE = 0.01  # of the known area: less of it is not there
_FEWEST_PIXELS = 6.0
_ALIKE = 0.6  # likeness times fit of size below which a look shows something else
_ALIKE_AGAIN = 0.75  # the same for finding a lost thing again
_DOUBT = 0.5
_SAME = 0.85  # overlap from which two masks are the same
_SHORTEST = 2  # frames between two looks, whatever the doubt
_PATIENCE = 6  # key frames over which a lost thing is looked for
_OUTWARD = 1.0  # of the side of its box: how far about a lost thing it is looked for


@dataclass(frozen=True)
class Sight:
    """A thing at a frame; a clip has hundreds of them, so they are kept small.

    Attributes:
        levels: uint8 [H, W], 255 where it surely is.
        confidence: [0, 1].
    """

    levels: npt.NDArray[np.uint8]
    confidence: float

    @classmethod
    def of(cls, soft: SoftMask, confidence: float) -> "Sight":
        """Keep a soft mask float32 [H, W] in [0, 1]."""
        return cls(np.rint(soft * 255).astype(np.uint8), confidence)

    @property
    def soft(self) -> SoftMask:
        """The mask, float32 [H, W] in [0, 1]."""
        return np.asarray(self.levels, np.float32) / np.float32(255)


@dataclass(frozen=True)
class Following:
    """How a thing is followed.

    Attributes:
        interval: Frames from one look to the next.
        network: Sees foreground in a crop; None: colours alone.
        check: Called once a frame, raises when the clip's time is over.
    """

    interval: int
    network: Network | None
    check: Callable[[], None]


class _Walk:
    """The state while frames go by."""

    def __init__(
        self, frames: ClipFrames, start: int, sight: Sight, known: Appearance, way: Following
    ) -> None:
        self.frames, self.known, self.way = frames, known, way
        self.sights: dict[int, Sight] = {}
        self.soft = sight.soft
        self.key, self.sure, self.trust = start, 1.0, sight.confidence
        self.place = mask_of(sight)
        self.lost_for = 0
        self.outside = False

    @property
    def is_lost(self) -> bool:
        return self.lost_for > 0

    def advance(self, here: int, there: int, *, last: bool) -> None:
        """Move on by one frame."""
        if self.is_lost:
            if abs(there - self.key) >= self.way.interval:
                self.key = there
                self._search(there)
            return
        self.soft, share = carry_mask(self.frames, self.soft, here, there)
        self.sure *= share
        mask = self.soft > 0.5
        if mask.sum() < max(_FEWEST_PIXELS, _SEEN_SHARE * self.known.area):
            self._lose(there)
            return
        self.place = mask
        gap = abs(there - self.key)
        if gap >= self.way.interval or last or (self.sure < _DOUBT and gap >= _SHORTEST):
            self._look(there)
        else:
            self.sights[there] = Sight.of(self.soft, self.trust * self.sure)

    def _look(self, frame: int) -> None:
        look = look_again(
            self.frames, frame, self.soft, self.known, self.way.network, sure=self.sure
        )
        if look.likeness < _ALIKE or not look.mask.any():
            leaving = touches_edge(self.soft > 0.5)
            if self.trust < _ALIKE and not leaving:
                self._lose(frame)
                return
            # Once may be a bad look, or the thing half out of the picture: the flow goes on.
            self.trust *= 1.0 if leaving else 0.5
            self.sights[frame] = Sight.of(self.soft, self.trust)
        else:
            self._mend(frame, look.soft)
            self.soft, self.trust = look.soft, look.likeness
            self.sights[frame] = Sight.of(look.soft, look.likeness)
            if not touches_edge(look.mask):
                lab = cv2.cvtColor(self.frames.small(frame), cv2.COLOR_RGB2LAB)
                self.known.learn(np.asarray(lab, np.uint8), look.mask)
        self.key, self.sure = frame, 1.0

    def _mend(self, frame: int, soft: SoftMask) -> None:
        """Blend the frames since the last look with what is carried back from this one."""
        step = 1 if frame > self.key else -1
        span = abs(frame - self.key)
        for here in range(frame, self.key + step, -step):
            there = here - step
            soft, _ = carry_mask(self.frames, soft, here, there)
            share = abs(there - self.key) / span
            if there in self.sights:
                before = self.sights[there]
                mixed = (1 - share) * before.soft + share * soft
                self.sights[there] = Sight.of(np.asarray(mixed, np.float32), before.confidence)

    def _lose(self, frame: int) -> None:
        self.lost_for = 1
        self.key = frame
        self.outside = touches_edge(self.place, width=4)

    def _search(self, frame: int) -> None:
        """Look for a lost thing about its last place."""
        self.lost_for += 1
        if self.way.network is None or not self.place.any():
            return
        seen = see_crop(self.frames, frame, self.place, self.way.network, margin=_OUTWARD)
        about = np.zeros_like(self.place)
        about[window_of(self.place, margin=int(np.sqrt(self.known.area)))] = True
        found = own_components(seen > 0.5, about)
        lab = np.asarray(cv2.cvtColor(self.frames.small(frame), cv2.COLOR_RGB2LAB), np.uint8)
        likeness = self.known.likeness(lab, found) * self.known.size_fit(found)
        if likeness < _ALIKE_AGAIN:
            return
        self.soft = np.where(found, np.maximum(seen, 0.55), 0).astype(np.float32)
        self.place, self.trust, self.sure, self.lost_for = found, likeness, 1.0, 0
        self.sights[frame] = Sight.of(self.soft, likeness)

    @property
    def is_over(self) -> bool:
        """Whether there is no use in going on; later scans may find the thing again."""
        patience = 1 if self.outside or self.way.network is None else _PATIENCE
        return self.lost_for > patience


def follow(
    frames: ClipFrames,
    start: int,
    sight: Sight,
    known: Appearance,
    way: Following,
    *,
    end: int,
    until: Mapping[int, Sight] | None = None,
) -> dict[int, Sight]:
    """Follow a thing from a frame towards another.

    Args:
        frames: The clip.
        start: Frame where it is known.
        sight: What it is there.
        known: What it looks like; learns on the way.
        way: How to follow.
        end: Last frame to look at, on either side of `start`.
        until: What was seen before on the same way; where it agrees again, following ends.

    Returns:
        What was seen, by frame, without `start`; frames in which the thing was lost are missing.
    """
    walk = _Walk(frames, start, sight, known, way)
    step = 1 if end > start else -1
    for here in range(start, end, step):
        way.check()
        walk.advance(here, here + step, last=here + step == end)
        if walk.is_over or (until is not None and _agrees(walk.sights, until, here + step)):
            break
    return walk.sights


def _agrees(now: Mapping[int, Sight], before: Mapping[int, Sight], frame: int) -> bool:
    """Whether two ways of following a thing have come to the same at a frame."""
    if frame not in now or frame not in before:
        return False
    return overlap(mask_of(now[frame]), mask_of(before[frame])) > _SAME


def mask_of(sight: Sight) -> Mask:
    """Return where a thing is, bool [H, W]."""
    return sight.levels > 127
