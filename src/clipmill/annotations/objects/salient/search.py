"""Searches a clip for things that move on their own, frame by frame of a plan."""

from collections.abc import Callable, Sequence
from functools import cache

import cv2
import numpy as np

from clipmill.annotations.objects.moving.movers import (
    Limits,
    Motion,
    Mover,
    find_movers,
    measure_motion,
)
from clipmill.annotations.objects.propagation.frames import ClipFrames
from clipmill.annotations.objects.propagation.identities import Identities, Proposal
from clipmill.annotations.objects.propagation.look import Network, see_crop
from clipmill.annotations.objects.salient.proposals import from_crops, from_motion, from_network
from clipmill.vision.dense_flow import FlowEstimator
from clipmill.vision.masks import Mask, SoftMask


class Search:
    """Finds movers at frames of a clip and hands them to the identities.

    What the network sees in a whole frame is trusted most, so it is taken in at all frames before
    what motion alone shows at any.

    Args:
        frames: The clip.
        identities: Takes in what is found.
        limits: What counts as a mover.
        distances: Frames to each side that a frame is compared with.
        whole: Sees foreground in a whole frame; None: motion alone.
        crop: Sees foreground in a crop; None where `whole` is.
        most: Whole frames that the network sees besides those that are searched always.
        again: Frames that are searched where a thing is missing.
    """

    def __init__(
        self,
        frames: ClipFrames,
        identities: Identities,
        limits: Limits,
        *,
        distances: Sequence[int],
        whole: Network | None,
        crop: Network | None,
        most: int,
        again: int,
    ) -> None:
        self._frames, self._identities, self._limits = frames, identities, limits
        self._distances = distances
        self._whole, self._crop, self._more, self._again = whole, crop, most, again
        self._looked: set[int] = set()
        self._flows = FlowEstimator()
        self._left: list[tuple[int, Motion, list[Mover], Mask]] = []

    def visit(self, frame: int, *, always: bool) -> None:
        """Search one frame; with the network only where something is new, or always."""
        if self._whole is not None and not always and self._more <= 0:
            return
        motion = self._motion(frame)
        if motion is None:
            return
        covered = self._identities.covered(frame)
        new = (motion.moving & ~covered).mean() >= self._limits.min_area
        if not (always or new or self._identities.missing(frame)):
            return
        find = self._finder(frame, motion)
        if self._whole is None:
            self._identities.propose(frame, from_motion(find() if new else [], motion))
            return
        self._more -= not always
        soft = self._propose_whole(frame, motion, find, self._whole)
        self._left.append((frame, motion, find() if new else [], np.asarray(soft > 0.5, bool)))

    def regain(self) -> bool:
        """Look for a thing where it is missing; return False where there is no use in going on."""
        if len(self._looked) >= self._again:
            return False
        frame = self._identities.absence(self._looked)
        if frame is None:
            return False
        self._looked.add(frame)
        motion = self._motion(frame)
        if motion is None:
            return True
        find = self._finder(frame, motion)
        if self._whole is None:
            self._identities.propose(frame, from_motion(find(), motion))
        else:
            self._propose_whole(frame, motion, find, self._whole)
        return True

    def finish(self) -> None:
        """Look closer at what moved where the network saw nothing in the whole frame."""
        if self._crop is None:
            return
        crop = self._crop
        for frame, motion, movers, seen in self._left:
            known = seen | self._identities.covered(frame)

            def look(mask: Mask, frame: int = frame) -> SoftMask:
                return see_crop(self._frames, frame, mask, crop)

            found = from_crops(movers, known, look, motion, self._limits)
            self._identities.propose(frame, found)

    def _propose_whole(
        self, frame: int, motion: Motion, find: Callable[[], list[Mover]], whole: Network
    ) -> SoftMask:
        """Propose what the network sees in a whole frame; return all it sees, float32 [H, W]."""
        soft = self._fit(whole(self._frames.detail(frame)))
        self._identities.propose(frame, self._stand_out(frame, soft, motion, find))
        return soft

    def _stand_out(
        self, frame: int, soft: SoftMask, motion: Motion, movers: Callable[[], Sequence[Mover]]
    ) -> list[Proposal]:
        """Return what stands out of a frame and moves."""

        def look(mask: Mask) -> SoftMask:
            # A wider crop shows again what the mover touches.
            crop = self._crop
            return soft if crop is None else see_crop(self._frames, frame, mask, crop, larger=False)

        return from_network(soft, motion, self._limits, movers=movers, look=look)

    def _finder(self, frame: int, motion: Motion) -> Callable[[], list[Mover]]:
        """Return what finds the movers of a frame: when it is asked, and once."""
        return cache(lambda: find_movers(self._frames.small(frame), motion, self._limits))

    def _motion(self, frame: int) -> Motion | None:
        steps = sorted({sign * step for step in self._distances for sign in (-1, 1)})
        length = len(self._frames)
        near = {
            step: self._frames.grey(frame + step) for step in steps if 0 <= frame + step < length
        }
        return measure_motion(self._frames.grey(frame), near, self._flows, self._limits)

    def _fit(self, soft: SoftMask) -> SoftMask:
        fitted = cv2.resize(soft, self._frames.work, interpolation=cv2.INTER_AREA)
        return np.asarray(fitted, np.float32)
