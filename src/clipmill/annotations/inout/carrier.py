"""Carries the mask of one object from frame to frame.

Three things move the mask, and each covers for the others: the dense flow bends it, the
similarity fitted to the flow inside it keeps the flow from smearing it over the background, and
the tracks, where they are rigid, pull it back to the shape it had at the anchor, so that errors
do not add up. Every few frames its edge is fitted to the colours. An object that leaves the
picture is followed by its own speed, because its last strip is too thin for any flow.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.inout.colours import Mask, Palette, Picture, grow, snap
from clipmill.annotations.inout.motion import FrameMotion, affine_offset
from clipmill.annotations.inout.pose import (
    Matrix,
    fit,
    fit_from_flow,
    identity,
    inverse,
    move_mask,
    move_points,
    plausible,
)
from clipmill.vision.dense_flow import Field, lengths, pixel_grid, sample

_BAND = 0.008
_PULL = 0.35
_THIN = 0.3
_ALIKE = 0.35
_HIDDEN_AFTER = 2
_RIGID_SHARE = 0.75
_STIFF_SHARE = 0.92
_RIGID_TOLERANCE = 0.008
_MIN_VISIBLE = 3
_UNCOVERED = 10.0
_FADE = 0.35
_APART = 0.8
_FOLLOWS = 0.8


@dataclass(frozen=True)
class TrackedPoints:
    """What the tracker says about an object at one frame, in working pixels.

    Attributes:
        anchor: float [N, 2], x, y at the anchor.
        here: float [N, 2], x, y at this frame.
        visible: bool [N].
    """

    anchor: npt.NDArray[np.floating]
    here: npt.NDArray[np.floating]
    visible: npt.NDArray[np.bool_]


class Carrier:
    """The state of one object while it is carried in one direction of time.

    Args:
        picture: uint8 [H, W, 3], RGB, the anchor at the working size.
        mask: bool [H, W], the object at the anchor.
        present_area: Pixels below which the object is not seen.
        snap_every: Frames between two fits to the colours.
    """

    def __init__(
        self, picture: Picture, mask: Mask, *, present_area: float, snap_every: int
    ) -> None:
        self._shape = mask.astype(np.float32)
        self._soft = self._shape
        self._area = float(mask.sum())
        self._palette = Palette(picture, mask)
        self._pose = identity()
        self._step = identity()
        self._present_area = present_area
        self._snap_every = snap_every
        self._count = 0
        self._band = max(2, round(_BAND * max(mask.shape)))
        self._stiff = False
        self._unseen = 0
        self.at_edge = _touches_edge(mask)
        self.gone = False

    @property
    def seen(self) -> bool:
        """Whether the object was seen at the last frame."""
        return float((self._soft > 0.5).sum()) >= self._present_area

    def advance(self, picture: Picture, motion: FrameMotion, points: TrackedPoints | None) -> Mask:
        """Move on by one frame.

        Args:
            picture: uint8 [H, W, 3], RGB, the frame to move to.
            motion: What moved since the frame before.
            points: The tracks at this frame; None in the direction that has none.

        Returns:
            bool [H, W]; empty where the object is not seen.
        """
        self._count += 1
        rigid = self._follow(picture, motion, points)
        whole = move_mask(self._shape, self._pose)
        if not self.seen:
            mask = self._find_again(picture, motion, whole, points)
        elif self._leaving(whole):
            mask = whole > 0.5
            self._soft = whole
        else:
            mask = self._bend(picture, motion, whole, pull=_PULL if rigid else 0.0)
            if self._count % self._snap_every == 0:
                mask = self._fit_to_colours(picture, mask, whole)
            if self._lost(picture, mask, points):
                self._soft = np.zeros_like(self._soft)
        if self.seen:
            self.at_edge = _touches_edge(mask)
            return mask
        self.gone = self.at_edge
        return np.zeros_like(mask)

    def _follow(self, picture: Picture, motion: FrameMotion, points: TrackedPoints | None) -> bool:
        """Update the pose; return whether the tracks move as one rigid thing."""
        expected = move_mask(self._soft, self._step) > 0.5
        own = expected & ~_follows_background(motion, _offset(self._step, expected.shape))
        inner = ~grow(~own, self._band)
        measured = fit_from_flow(inner if inner.sum() > 50 else own, motion.flow)
        previous = self._pose
        small = float((self._soft > 0.5).sum()) < _THIN * self._area
        small = small and (self.at_edge or points is not None)
        if measured is not None and measured[1] > 0.3 and not small and plausible(measured[0]):
            self._step = measured[0]
        self._pose = self._step @ self._pose
        if points is None or points.visible.sum() < _MIN_VISIBLE:
            if points is not None and points.visible.any() and not self.seen:
                self._shift_to(points)
            return False
        # Two or three points always fit; they tell nothing about stiffness.
        telling = points.visible.sum() > _MIN_VISIBLE
        self._stiff = self._stiff and not telling
        tolerance = max(1.5, _RIGID_TOLERANCE * max(self._soft.shape))
        tracked = fit(
            points.anchor[points.visible], points.here[points.visible], tolerance=tolerance
        )
        if tracked is None or tracked[1] < _RIGID_SHARE:
            return False
        if self.seen and not self._agrees(tracked[0]):
            return self._restart(picture, tracked[0])
        step = tracked[0] @ inverse(previous)
        centre = points.here[points.visible].mean(axis=0, keepdims=True)
        apart = move_points(inverse(step), centre) - move_points(inverse(self._step), centre)
        if (small or np.linalg.norm(apart) > 1.5) and plausible(step):
            self._step = step
        self._pose = tracked[0]
        if telling:
            self._stiff = tracked[1] > _STIFF_SHARE
        return True

    def _shift_to(self, points: TrackedPoints) -> None:
        """Move the pose of a hidden object to the first points that reappear."""
        guess = move_points(self._pose, points.anchor[points.visible])
        shift = identity()
        shift[:2, 2] = (points.here[points.visible] - guess).mean(axis=0)
        self._pose = shift @ self._pose

    def _restart(self, picture: Picture, pose: Matrix) -> bool:
        """Put the shape where the tracks are, when that looks more like the object."""
        placed = move_mask(self._shape, pose)
        carried = move_mask(self._soft, self._step) > 0.5
        likeness = self._palette.likeness(picture, placed > 0.5)
        if likeness < max(_ALIKE, self._palette.likeness(picture, carried)):
            return False
        self._pose = pose
        self._step = identity()
        self._soft = placed
        return True

    def _agrees(self, pose: Matrix) -> bool:
        """Return whether a pose puts the shape on the carried mask."""
        placed = move_mask(self._shape, pose) > 0.5
        carried = move_mask(self._soft, self._step) > 0.5
        both = float((placed & carried).sum())
        return both > 0.5 * min(float(placed.sum()), float(carried.sum()))

    def _thin(self) -> bool:
        return self.at_edge and float((self._soft > 0.5).sum()) < _THIN * self._area

    def _leaving(self, whole: npt.NDArray[np.float32]) -> bool:
        """Return whether only a strip at the edge is left, too thin for a flow."""
        return self._thin() and float((whole > 0.5).sum()) < _THIN * self._area

    def _bend(
        self,
        picture: Picture,
        motion: FrameMotion,
        whole: npt.NDArray[np.float32],
        *,
        pull: float,
    ) -> Mask:
        shape = self._soft.shape
        bent = sample(self._soft, pixel_grid(*shape) + motion.flow)
        rigid = move_mask(self._soft, self._step, extend=True)
        # What was uncovered fits nothing in the frame before; there only the shape can tell.
        uncovered = motion.mismatch > _UNCOVERED
        soft = np.where(uncovered, np.minimum(bent, rigid), bent)
        own = _offset(self._step, shape)
        # What came in over the picture's edge was never seen: its colours decide.
        entered = _outside(own)
        likely = self._palette.probability(picture)
        soft = np.where(entered, rigid * likely, soft)
        soft = np.where(grow(rigid > 0.5, self._band), soft, 0)
        # A leg that stands while its owner walks moves with the background too, but looks like
        # the object; what hides the object, or was left behind by its mask, does not. A rigid
        # object has no such legs.
        still = _follows_background(motion, own)
        strange = still & ((likely < 0.5) | self._stiff)
        soft = soft - _FADE * (strange & ~uncovered & ~entered)
        if pull:
            known = move_mask(np.ones_like(whole), self._pose) > 0.99
            follows = lengths(motion.flow - own) < _FOLLOWS
            if self._stiff:
                # What comes out from behind something has no flow yet, but its colours.
                follows |= ~still & (likely > 0.5)
            weight = pull * (known & follows)
            soft = (1 - weight) * soft + weight * whole
        # Repeated resampling blurs the edge; sharpen it about one half.
        self._soft = np.clip((soft - 0.5) * 1.5 + 0.5, 0, 1).astype(np.float32)
        return self._soft > 0.5

    def _fit_to_colours(self, picture: Picture, mask: Mask, whole: npt.NDArray[np.float32]) -> Mask:
        uncovered = (whole > 0.5) & ~grow(mask, self._band)
        mask = snap(picture, mask, uncovered, band=self._band)
        self._soft = (0.5 * self._soft + 0.5 * mask).astype(np.float32)
        self._soft[mask & (self._soft <= 0.5)] = 0.55
        self._soft[~mask & (self._soft > 0.5)] = 0.45
        return mask

    def _lost(self, picture: Picture, mask: Mask, points: TrackedPoints | None) -> bool:
        """Return whether the mask lies on something else by now."""
        if points is not None and points.visible.any():
            self._unseen = 0
            return False
        self._unseen += points is not None
        # All points of a rigid thing vanish at once inside the picture: something hides it.
        if self._unseen >= _HIDDEN_AFTER and self._stiff and not self.at_edge:
            return True
        return self._palette.likeness(picture, mask) < _ALIKE

    def _find_again(
        self,
        picture: Picture,
        motion: FrameMotion,
        whole: npt.NDArray[np.float32],
        points: TrackedPoints | None,
    ) -> Mask:
        """Take an object up again that was hidden or outside, where its tracks reappear."""
        nothing = np.zeros(whole.shape, bool)
        self._soft = np.zeros_like(whole)
        if points is None or not points.visible.any():
            return nothing
        # What still hides a part of it moves with the background or has other colours.
        likely = self._palette.probability(picture) > 0.3
        hider = _follows_background(motion, _offset(self._step, whole.shape))
        mask = _around((whole > 0.5) & likely & ~hider, points.here[points.visible])
        if mask.sum() < self._present_area or self._palette.likeness(picture, mask) < _ALIKE:
            return nothing
        self._soft = mask.astype(np.float32)
        self.gone = False
        return self._fit_to_colours(picture, mask, whole)


def _around(mask: Mask, points: npt.NDArray[np.floating]) -> Mask:
    """Return the connected parts of a mask that hold at least one of the points [N, 2]."""
    _, labels = cv2.connectedComponents(cv2.medianBlur(mask.astype(np.uint8), 5))
    height, width = mask.shape
    columns, rows = np.rint(points).astype(int).T
    inside = (columns >= 0) & (rows >= 0) & (columns < width) & (rows < height)
    held = np.unique(labels[rows[inside], columns[inside]])
    return np.asarray(np.isin(labels, held[held > 0]))


def _offset(step: Matrix, shape: tuple[int, ...]) -> Field:
    """Return where a similarity says each pixel came from, as an offset, float32 [H, W, 2]."""
    return affine_offset(inverse(step)[:2], shape)


def _outside(offset: Field) -> Mask:
    """Return the pixels that came from outside the picture."""
    height, width = offset.shape[:2]
    x, y = np.moveaxis(pixel_grid(height, width) + offset, -1, 0)
    return np.asarray((x < 0) | (y < 0) | (x > width - 1) | (y > height - 1))


def _follows_background(motion: FrameMotion, own: Field) -> Mask:
    """Return the pixels that move with the background although the object moves otherwise."""
    apart = lengths(own - motion.background)
    from_background = lengths(motion.flow - motion.background)
    return np.asarray((apart > _APART) & (from_background < 0.3 * apart))


def _touches_edge(mask: Mask) -> bool:
    return bool(mask[:2].any() or mask[-2:].any() or mask[:, :2].any() or mask[:, -2:].any())
