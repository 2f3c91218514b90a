"""Things of a clip, each with one identity from its first frame to its last."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import cv2
import numpy as np

from clipmill.annotations.objects.propagation.appearance import Appearance
from clipmill.annotations.objects.propagation.follow import Following, follow
from clipmill.annotations.objects.propagation.frames import ClipFrames, Picture
from clipmill.annotations.objects.propagation.growth import without_bystanders
from clipmill.annotations.objects.propagation.sight import Sight
from clipmill.vision.masks import Mask, SoftMask, grow, overlap, touches_edge

_SAME = 0.3  # overlap from which a proposal is a thing that is followed already
_COVERED = 0.6  # or the share of the proposal that lies on it
_RETURN = 0.75  # likeness from which a proposal is a thing that had gone
_DOUBLE = 0.5  # overlap from which two things are one
_GOOD = 0.8  # overlap from which there is nothing to correct
_SCRAP = 0.2  # of the area of a thing: less of it is not the thing
_SHORT = 8  # frames; what is followed for less was a mistake


@dataclass(frozen=True)
class Proposal:
    """Something at a frame that may be a thing that moves on its own.

    Attributes:
        soft: float32 [H, W] in [0, 1].
        confidence: How sure this is one thing that moves on its own, [0, 1].
        speed: Own speed against the background, working pixels per frame.
    """

    soft: SoftMask
    confidence: float
    speed: float

    @property
    def mask(self) -> Mask:
        """Where it is, bool [H, W]."""
        return np.asarray(self.soft > 0.5, bool)


@dataclass
class Identity:
    """One thing.

    Attributes:
        known: What it looks like.
        way: How it is followed.
        sights: What was seen of it, by frame; where it was not seen, there is none.
        confidence: The surest proposal it came from.
        speeds: Own speed at the frames where it was proposed.
    """

    known: Appearance
    way: Following
    sights: dict[int, Sight] = field(default_factory=dict)
    confidence: float = 0.0
    speeds: list[float] = field(default_factory=list)

    def mask(self, frame: int) -> Mask | None:
        """Return where it is at a frame; None where it is not seen."""
        sight = self.sights.get(frame)
        return None if sight is None else sight.mask

    def take(self, proposal: Proposal) -> None:
        """Note that a proposal was this thing."""
        self.confidence = max(self.confidence, proposal.confidence)
        self.speeds.append(proposal.speed)


class Identities:
    """All things of a clip.

    Args:
        frames: The clip.
        way: How things are followed.
        most: Things that are followed at most.
        reach: Frames to each side over which a better sight corrects a thing.
    """

    def __init__(self, frames: ClipFrames, way: Following, *, most: int, reach: int) -> None:
        self._frames, self._way, self._most, self._reach = frames, way, most, reach
        self.all: list[Identity] = []

    def covered(self, frame: int) -> Mask:
        """Return where known things are at a frame, with a margin, bool [H, W]."""
        width, height = self._frames.work
        covered = np.zeros((height, width), bool)
        for identity in self.all:
            mask = identity.mask(frame)
            if mask is not None:
                covered |= grow(mask, max(2, int(0.1 * np.sqrt(mask.sum()))))
        return covered

    def missing(self, frame: int) -> bool:
        """Whether a thing that is known is not seen at a frame."""
        return any(frame not in identity.sights for identity in self.all)

    def absence(self, looked: Collection[int]) -> int | None:
        """Return the frame at which a thing that is missing, or a scrap, is best looked for.

        Args:
            looked: Frames at which things were looked for; absences that hold one are left out.

        Returns:
            A frame in the longest absence of any thing; None where there is none worth a look.
        """
        within = self._reach // 2
        found = [
            absence
            for identity in self.all
            for absence in _absences(_well_seen(identity), len(self._frames), within)
            if len(absence.frames) >= within and not any(at in absence.frames for at in looked)
        ]
        longest = max(found, key=lambda absence: len(absence.frames), default=None)
        return None if longest is None else longest.look_at

    def propose(self, frame: int, proposals: Sequence[Proposal]) -> None:
        """Take in what was found at a frame: known things, returned ones and new ones."""
        lab = np.asarray(cv2.cvtColor(self._frames.small(frame), cv2.COLOR_RGB2LAB), np.uint8)
        for proposal in proposals:
            here = self._here(frame, proposal)
            if here is not None:
                here.take(proposal)
                self._correct(here, frame, lab, proposal)
                continue
            identity = self._returned(frame, lab, proposal)
            if identity is None:
                if len(self.all) >= self._most:
                    continue
                identity = Identity(Appearance(lab, proposal.mask), self._way)
                self.all.append(identity)
                # Each further thing is looked at less often, so that a crowd costs little more.
                rank = len(self.all)
                interval = round(self._way.interval * rank**1.5)
                identity.way = replace(self._way, interval=interval)
            identity.take(proposal)
            self._follow(identity, frame, proposal)

    def _correct(self, identity: Identity, frame: int, lab: Picture, proposal: Proposal) -> None:
        """Follow a known thing from here again where the proposal shows it better."""
        if self._way.is_short:
            return
        known, before = identity.known, identity.sights[frame].mask
        mask = without_bystanders(self._frames, frame, proposal.mask, before)
        # A whole frame is seen coarsely: what it shows in pieces is known better already.
        lacking = (mask & before).sum() > _GOOD * before.sum() and mask.sum() > before.sum()
        if overlap(mask, before) > _GOOD or not lacking:
            return
        now, then = (known.likeness(lab, one) * known.size_fit(one) for one in (mask, before))
        if now <= then:
            return
        soft = np.where(mask, proposal.soft, np.minimum(proposal.soft, 0.45)).astype(np.float32)
        sight = Sight.of(soft, max(0.6, proposal.confidence))
        length = len(self._frames)
        old = dict(identity.sights)
        identity.sights[frame] = sight
        for end in (min(length - 1, frame + self._reach), max(0, frame - self._reach)):
            if end != frame:
                way = follow(self._frames, frame, sight, known, identity.way, end=end, until=old)
                # Followed from a better sight, it may still come to a scrap where more was known.
                scraps = {at for at, new in way.items() if at in old and _is_scrap_of(new, old[at])}
                identity.sights |= {at: new for at, new in way.items() if at not in scraps}

    def _here(self, frame: int, proposal: Proposal) -> Identity | None:
        """Return the known thing that a proposal shows."""
        mask = proposal.mask
        for identity in self.all:
            known = identity.mask(frame)
            if known is not None and (
                overlap(known, mask) > _SAME
                or (known & mask).sum() > _COVERED * min(int(mask.sum()), int(known.sum()))
            ):
                return identity
        return None

    def _returned(self, frame: int, lab: Picture, proposal: Proposal) -> Identity | None:
        """Return the thing, not seen at this frame, that a proposal looks like."""
        found = [
            (
                identity.known.likeness(lab, proposal.mask)
                * identity.known.size_fit(proposal.mask),
                identity,
            )
            for identity in self.all
            if frame not in identity.sights
        ]
        best = max(found, key=lambda pair: pair[0], default=None)
        return best[1] if best is not None and best[0] >= _RETURN else None

    def _follow(self, identity: Identity, frame: int, proposal: Proposal) -> None:
        """Follow a thing both ways, as far as it is not known yet."""
        sight = Sight.of(proposal.soft, max(0.6, proposal.confidence))
        identity.sights[frame] = sight
        after = [known for known in identity.sights if known > frame]
        before = [known for known in identity.sights if known < frame]
        ends = min(after) - 1 if after else len(self._frames) - 1
        begins = max(before) + 1 if before else 0
        for end in (ends, begins):
            if end != frame:
                seen = follow(self._frames, frame, sight, identity.known, identity.way, end=end)
                identity.sights.update(seen)

    def settle(self) -> list[Identity]:
        """Return the things without doubles and mistakes, the surest first."""
        kept: list[Identity] = []
        for identity in sorted(self.all, key=lambda one: -len(one.sights) * one.confidence):
            if len(identity.sights) < min(_SHORT, len(self._frames)):
                continue
            if not any(_is_double(identity, other) for other in kept):
                kept.append(identity)
        return kept


@dataclass(frozen=True)
class _Absence:
    """Frames in a row in which a thing is not seen, and one of them at which to look for it."""

    frames: range
    look_at: int


def _well_seen(identity: Identity) -> list[int]:
    """Return the frames in which more than a scrap of a thing is seen, or what the edge leaves."""
    least = _SCRAP * identity.known.area
    return [
        frame
        for frame, sight in sorted(identity.sights.items())
        if (mask := sight.mask).sum() >= least or touches_edge(mask)
    ]


def _absences(seen: Sequence[int], length: int, within: int) -> list[_Absence]:
    """Return the absences of a thing that is seen at some frames of a clip, in order.

    What is gone for a while is back in the middle of it at the latest, if it comes back at all
    behind what hides it; what is gone for good may have been lost a little too early.
    """
    if not seen:
        return []
    found = [_Absence(range(a + 1, b), (a + b) // 2) for a, b in pairwise(seen) if b > a + 1]
    if seen[0] > 0:
        found.append(_Absence(range(seen[0]), max(0, seen[0] - within)))
    if seen[-1] < length - 1:
        found.append(_Absence(range(seen[-1] + 1, length), min(length - 1, seen[-1] + within)))
    return found


def _is_scrap_of(one: Sight, other: Sight) -> bool:
    """Whether a sight shows only a little of what another shows."""
    return bool(one.mask.sum() < _SCRAP * other.mask.sum())


def _is_double(one: Identity, other: Identity) -> bool:
    """Whether a thing lies on another in most of its frames."""
    doubled = 0
    for frame in one.sights:
        mask, against = one.mask(frame), other.mask(frame)
        if mask is not None and against is not None and mask.any():
            doubled += bool(
                overlap(mask, against) > _DOUBLE or (mask & against).sum() > 0.8 * mask.sum()
            )
    return doubled > 0.5 * len(one.sights)
