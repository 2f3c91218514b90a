"""Follows one thing from a frame where it is known, in one direction of time.

Between key frames the mask goes with the flow; at key frames, and earlier where the flow loses
confidence, it is looked at again, and the frames since the last key frame are carried back from
there as well and blended, so that errors do not grow. A thing that is lost is looked for again
for a while about the place where it was last seen.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from clipmill.annotations.objects.propagation.appearance import Appearance
from clipmill.annotations.objects.propagation.frames import ClipFrames, Picture
from clipmill.annotations.objects.propagation.look import (
    look_again,
    own_components,
    see_crop,
)
from clipmill.annotations.objects.propagation.ration import Ration
from clipmill.annotations.objects.propagation.sight import Sight
from clipmill.annotations.objects.propagation.trail import Trail
from clipmill.annotations.objects.propagation.warp import Shift, carry_mask, shift_of, shifted
from clipmill.vision.masks import Mask, SoftMask, overlap, touches_edge, window_of

_SEEN_SHARE = 0.01  # of the known area: less of it is not there
_FEWEST_PIXELS = 6.0
_ALIKE = 0.6  # likeness times fit of size below which a look shows something else
_ALIKE_AGAIN = 0.75  # the same for finding a lost thing again
_DOUBT = 0.5
_STEADY = 0.9  # overlap of what came with the flow and what a look shows: looks may be rarer
_RARER = 2.0  # at most, times the interval
_BLIND = 0.15  # share of the mask with flow below which flow tells nothing
_MOST_LOOKS = 1.4  # of those that are planned: the rest is for doubt, and for what has grown
_SAME = 0.85  # overlap from which two masks are the same
_SHORTEST = 2  # frames between two looks, whatever the doubt
_PATIENCE = 6  # key frames over which a lost thing is looked for
_OUTWARD = 1.0  # of the side of its box, a key frame: how far about a lost thing it is looked for


@dataclass(frozen=True)
class Following:
    """How a thing is followed.

    Attributes:
        interval: Frames from one look to the next.
        network: Sees foreground in a crop, so often in the whole clip; None: colours alone.
        check: Called once a frame, raises when the clip's time is over.
    """

    interval: int
    network: Ration | None
    check: Callable[[], None]

    @property
    def is_short(self) -> bool:
        """Whether the clip has used up what it may ask of the network."""
        return self.network is not None and self.network.left <= 0


class _Walk:
    """The state while frames go by."""

    def __init__(
        self,
        frames: ClipFrames,
        start: int,
        sight: Sight,
        known: Appearance,
        way: Following,
        *,
        end: int,
    ) -> None:
        self.frames, self.known, self.way, self.end = frames, known, way, end
        most = math.ceil(_MOST_LOOKS * abs(end - start) / way.interval)
        self.network = Ration(way.network, most) if way.network is not None else None
        self.sights: dict[int, Sight] = {}
        self.soft = sight.soft
        self.key, self.sure, self.trust = start, 1.0, sight.confidence
        self.believed = start
        self.place = sight.mask
        self.lost_for = 0
        self.gone = start
        self.outside = False
        self.trail = Trail(*sight.soft.shape)
        self.shift: Shift | None = None
        self.interval = way.interval

    @property
    def is_lost(self) -> bool:
        return self.lost_for > 0

    def _may_spend(self, frame: int) -> bool:
        """Whether the network may look more often than planned."""
        if self.way.is_short:
            return False
        planned = -(-abs(self.end - frame) // self.way.interval)
        return self.network is None or self.network.left > planned

    def advance(self, here: int, there: int, *, last: bool) -> None:
        """Move on by one frame."""
        if self.is_lost:
            if abs(there - self.key) >= self.way.interval:
                self.key = there
                self._search(there)
            return
        before = np.asarray(self.soft > 0.5, bool)
        share = self._carry(before, here, there)
        leaving = touches_edge(before)
        if self.way.network is None or leaving:
            # Elsewhere a network looks soon, and knows a planted foot from what was dragged along.
            behind = self.trail.advance(self.frames, before, here, there, leaving=leaving)
            self.soft[behind] = 0
        else:
            self.trail = Trail(*self.soft.shape)
        self.sure *= share
        mask = self.soft > 0.5
        if mask.sum() < max(_FEWEST_PIXELS, _SEEN_SHARE * self.known.area):
            self._lose(there)
            return
        self.place = mask
        gap = abs(there - self.key)
        doubtful = self.sure < _DOUBT and gap >= _SHORTEST and self._may_spend(there)
        if gap >= self.interval or last or doubtful:
            self._look(there)
        else:
            self.sights[there] = Sight.of(self.soft, self.trust * self.sure)

    def _carry(self, mask: Mask, here: int, there: int) -> float:
        """Carry the mask on by a frame; return the share of it whose flow can be trusted."""
        carried, share = carry_mask(self.frames, self.soft, here, there)
        if share < _BLIND and self.shift is not None:
            # Thin things before a blurred background have no flow; they go on as they went.
            self.soft = shifted(self.soft, self.shift)
            return share
        self.soft = carried
        shift = shift_of(self.frames, mask, here, there)
        if shift is not None:
            x, y = shift if self.shift is None else self.shift
            self.shift = ((x + shift[0]) / 2, (y + shift[1]) / 2)
        return share

    def _look(self, frame: int) -> None:
        look = look_again(
            self.frames,
            frame,
            self.soft,
            self.known,
            self.network,
            sure=self.sure,
            larger=self._may_spend(frame),
        )
        lab = self._lab(frame)
        steady = overlap(look.mask, self.soft > 0.5) > _STEADY
        rarest = round(_RARER * self.way.interval)
        self.interval = min(rarest, self.interval + 2) if steady else self.way.interval
        if self.way.is_short:
            self.interval = rarest
        if look.likeness >= _ALIKE and self.known.is_at(lab, look.mask):
            self._mend(frame, look.soft)
            self.soft, self.trust = look.soft, look.likeness
            self.known.learn(lab, look.mask)
            self.believed = frame
        elif not self._is_part(frame, lab, look.soft):
            if self.key != self.believed:
                self._lose(frame)
                return
            self.trust *= 0.5  # once may be a bad look
        self.sights[frame] = Sight.of(self.soft, self.trust)
        self.key, self.sure = frame, 1.0

    def _is_part(self, frame: int, lab: Picture, seen: SoftMask) -> bool:
        """Whether the thing is still there, half out of the picture or half hidden."""
        if self.known.likeness(lab, seen > 0.5) > self.known.likeness(lab, self.soft > 0.5):
            self.soft = seen
        if not self.known.is_at(lab, self.soft > 0.5):
            return False
        self.believed = frame
        return True

    def _lab(self, frame: int) -> Picture:
        lab = cv2.cvtColor(self.frames.small(frame), cv2.COLOR_RGB2LAB)
        return np.asarray(lab, np.uint8)

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
        """Note that the thing is gone, and take back what was carried on without it."""
        step = 1 if frame > self.believed else -1
        for past in range(frame, self.believed, -step):
            sight = self.sights.get(past)
            if sight and not self.known.is_at(self._lab(past), sight.mask):
                del self.sights[past]
        self.lost_for = 1
        self.key = self.gone = frame
        self.outside = touches_edge(self.place, width=4)

    def _search(self, frame: int) -> None:
        """Look for a lost thing about its last place."""
        self.lost_for += 1
        if self.network is None or not self.place.any():
            return
        seen = see_crop(
            self.frames,
            frame,
            self.place,
            self.network,
            margin=_OUTWARD * self.lost_for,
            larger=False,
        )
        about = np.zeros_like(self.place)
        reach = int(self.lost_for * np.sqrt(self.known.area))
        about[window_of(self.place, margin=reach)] = True
        found = own_components(seen > 0.5, about)
        lab = self._lab(frame)
        likeness = self.known.likeness(lab, found) * self.known.size_fit(found)
        if likeness < _ALIKE_AGAIN or not self.known.is_at(lab, found):
            return
        self.soft = np.where(found, np.maximum(seen, 0.55), 0).astype(np.float32)
        self.place, self.trust, self.sure, self.lost_for = found, likeness, 1.0, 0
        self.believed = frame
        self.trail, self.shift = Trail(*found.shape), None
        self.sights[frame] = Sight.of(self.soft, likeness)
        self._fill(frame)

    def _fill(self, frame: int) -> None:
        """Carry a thing that was found again back to where it came out."""
        step = 1 if frame > self.gone else -1
        soft = self.soft
        for here in range(frame, self.gone, -step):
            there = here - step
            soft, share = carry_mask(self.frames, soft, here, there)
            mask = soft > 0.5
            if share < _BLIND or mask.sum() < max(_FEWEST_PIXELS, _SEEN_SHARE * self.known.area):
                break
            if not self.known.is_at(self._lab(there), mask):
                break
            self.sights[there] = Sight.of(soft, self.trust * share)

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
    walk = _Walk(frames, start, sight, known, way, end=end)
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
    return overlap(now[frame].mask, before[frame].mask) > _SAME
