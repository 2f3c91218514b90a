"""Follows the points of one object from its anchor on.

Each point goes along the dense flow by itself. It is hidden when the flow does not come back,
when it leaves the object's mask, or when it stops looking as it did a moment ago in a way its
neighbours do not explain. A hidden point goes along with its visible neighbours, and is seen
again where the picture looks as the point did at the anchor. Chains of flow as tracks: Sundaram,
Brox and Keutzer, ECCV 2010.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from clipmill.annotations.tracks.chained_flow.neighbours import predict
from clipmill.annotations.tracks.chained_flow.patches import Templates, find_patch
from clipmill.annotations.tracks.chained_flow.regain import shift_since_anchor
from clipmill.vision.arrays import Flags, Floats, Gray
from clipmill.vision.dense_flow import Field
from clipmill.vision.masks import Mask, grow

_EDGE = 1  # working pixels a point may lie beside the mask
_RETURN, _RETURN_SHARE = 1.0, 0.1  # of a round trip, working pixels and share of the motion
_TEAR, _LEAST_TEAR = 8.0, 1.5  # times what is usual on the object, and working pixels: a point
# that is further from where its neighbours say has been dragged off by something else
_BEND = 0.02  # of the object's size: what bends may bend by this everywhere
_AGAIN = 0.75  # correlation from which a hidden point is seen again
_SNAP = 0.85  # correlation from which a visible point is put back to its look at the anchor
_SNAP_REACH = 2
_UNTOLD = -1.0  # correlation of what is plain
_FAITHFUL, _UNLIKE = 0.8, 0.6  # correlation of most points from which one with less has changed
_SEARCH = 0.12  # of the object's size: how far a hidden point is searched for
_SEARCH_FAITHFUL = 0.05  # the same where those that are seen look as at the anchor
_COAST, _SLOWING = 15, 0.93  # frames at full speed without a sight, then the share that is kept
_ENOUGH = 0.2  # share of points that must be seen to tell where the others are
_WELL_SEEN = 0.4  # share of points that must be seen before they tell the object's speed
_LONG_CALM = 8  # the same where hardly any is seen
_CALM = 2  # frames for which a hidden point must follow the flow well to be seen again


@dataclass(frozen=True)
class FlowStep:
    """One frame and the flow to it.

    Attributes:
        gray: uint8 [H, W].
        mask: bool [H, W], the object; empty where it is not seen.
        ahead: float32 [H, W, 2], from the frame before to this one; None at the anchor.
        back: float32 [H, W, 2], from this frame to the one before; None at the anchor.
    """

    gray: Gray
    mask: Mask
    ahead: Field | None
    back: Field | None


@dataclass(frozen=True)
class Followed:
    """Tracks of one object, T frames from the anchor on.

    Attributes:
        points: float64 [T, N, 2], x, y in working pixels.
        visible: bool [T, N].
        recognised: bool [T, N], seen, and looking as at the anchor.
    """

    points: Floats
    visible: Flags
    recognised: Flags


def follow_points(points: Floats, steps: Iterable[FlowStep]) -> Followed:
    """Follow points.

    Args:
        points: float [N, 2], N >= 1, x, y in working pixels at the anchor.
        steps: The anchor and every frame after it.
    """
    steps = iter(steps)
    walk = _Walk(points.astype(np.float64), next(steps))
    for step in steps:
        walk.advance(step)
    return Followed(np.stack(walk.points), np.stack(walk.visible), np.stack(walk.recognised))


class _Walk:
    """The state while frames go by."""

    def __init__(self, points: Floats, first: FlowStep) -> None:
        self.anchor = points
        self.templates = Templates(first.gray, points, first.mask)
        self.box = _box_of(first.mask)
        self.size = max(float((self.box[2:] - self.box[:2]).max()), 8.0)
        seen = np.ones(len(points), bool)
        self.points, self.visible, self.recognised = [points], [seen], [seen]
        self.calm = np.full(len(points), _CALM)
        self.velocity = np.zeros(2)
        self.unseen = 0

    def advance(self, step: FlowStep) -> None:
        """Move on by one frame."""
        assert step.ahead is not None and step.back is not None
        here, seen = self.points[-1], self.visible[-1]
        if not step.mask.any():
            self._coast()
            return
        moved = here + vectors_at(step.ahead, here)
        way = np.linalg.norm(moved - here, axis=1)
        miss = np.linalg.norm(moved + vectors_at(step.back, moved) - here, axis=1)
        on_thing = _hits(grow(step.mask, _EDGE), moved)
        steady = (miss < _RETURN + _RETURN_SHARE * way) & on_thing
        now = seen & steady
        enough = now.mean() >= _ENOUGH
        places, linear = self._expected(step, moved, now, enough=enough)
        likeness = self._likeness(step, moved, on_thing, linear) if enough else None
        if likeness is not None:
            changed = (likeness > _UNTOLD) & (likeness < _UNLIKE)
            now &= ~changed
            steady &= ~changed
            enough = now.mean() >= _ENOUGH
            same = now & (likeness >= _SNAP)
            witnesses = same if same.mean() >= _ENOUGH else now
            places, linear = self._expected(step, moved, witnesses, enough=enough)
        apart = np.linalg.norm(moved - places, axis=1)
        usual = float(np.median(apart[now])) if now.any() else 0.0
        torn = apart > max(_LEAST_TEAR, _BEND * self.size, _TEAR * usual)
        now &= ~torn
        self.calm = np.where(steady & ~torn, self.calm + 1, 0)
        # Beside its neighbours and steady on the thing for some frames: it was a short doubt. With
        # hardly any neighbour that is seen, it takes longer to tell.
        back_again = ~seen & (self.calm >= (_CALM if enough else _LONG_CALM))
        now |= back_again
        held = np.where((now | (steady & ~torn))[:, None], moved, places)
        near = _SEARCH if likeness is None else _SEARCH_FAITHFUL
        alike = self._recognise(step, held, now, linear, far=max(4, round(near * self.size)))
        if now.mean() > _WELL_SEEN:
            self.velocity = 0.5 * self.velocity + 0.5 * np.median((held - here)[now], axis=0)
        self.unseen = 0
        self.points.append(held)
        self.visible.append(now & _hits(grow(step.mask, _EDGE), held))
        self.recognised.append(alike & self.visible[-1])

    def _expected(
        self, step: FlowStep, moved: Floats, now: Flags, *, enough: bool
    ) -> tuple[Floats, Floats]:
        """Return where the points should be, and how their neighbourhood has turned.

        When hardly any is seen, those that are may be sliding along whatever hides the object;
        it is taken to go on as it went.
        """
        if enough and now.sum() >= 2:
            return predict(self.anchor, moved, now)
        turned = np.broadcast_to(np.eye(2), (len(moved), 2, 2))
        places, mask = self.points[-1] + self.velocity, step.mask
        shift = None if now.any() else shift_since_anchor(self.templates, step.gray, mask)
        if shift is not None:
            return self.anchor + shift, turned
        inside = _hits(np.ones_like(mask), places)
        if inside.mean() >= _ENOUGH and _hits(mask, places)[inside].mean() < _ENOUGH:
            # It came out somewhere else; of one that is leaving, the mask is a sliver.
            middle = _box_of(mask).reshape(2, 2).mean(axis=0) - self.box.reshape(2, 2).mean(axis=0)
            places = self.anchor + middle
        return places, turned

    def _likeness(
        self, step: FlowStep, moved: Floats, on_thing: Flags, linear: Floats
    ) -> Floats | None:
        """Return how much points look as at the anchor, [N], where most look the same.

        What covers a thing drags the points beside its edge along, slowly and both ways alike;
        only their looks tell. Of a thing that bends or turns all look otherwise: None.
        Points that are hidden count as well, or the few that are left would judge the rest.
        """
        found = [
            find_patch(step.gray, self.templates.turned(n, linear[n]), at, reach=_SNAP_REACH)[1]
            for n, at in enumerate(moved)
        ]
        likeness = np.array(found)
        told = on_thing & (likeness > _UNTOLD)
        faithful = told.any() and np.median(likeness[told]) >= _FAITHFUL
        return likeness if faithful else None

    def _recognise(
        self, step: FlowStep, held: Floats, now: Flags, linear: Floats, *, far: int
    ) -> Flags:
        """Put points where the picture looks as they did at the anchor, in place; return which."""
        alike = np.zeros_like(now)
        for number in range(len(held)):
            patch = self.templates.turned(number, linear[number])
            reach = _SNAP_REACH if now[number] else far
            at, likeness = find_patch(step.gray, patch, held[number], reach=reach)
            if (
                likeness < (_SNAP if now[number] else _AGAIN)
                or not _hits(step.mask, np.array([at])).all()
            ):
                continue
            held[number], now[number], alike[number] = at, True, True
            self.calm[number] = _CALM
        return alike

    def _coast(self) -> None:
        """Carry an object that is not seen on at its own speed, slower after a while."""
        self.unseen += 1
        if self.unseen > _COAST:
            self.velocity = _SLOWING * self.velocity
        self.points.append(self.points[-1] + self.velocity)
        nothing = np.zeros(len(self.anchor), bool)
        self.visible.append(nothing)
        self.recognised.append(nothing)
        self.calm[:] = 0


def _box_of(mask: Mask) -> Floats:
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return np.array([x, y, x + width, y + height], np.float64)


def vectors_at(field: Field, points: Floats) -> Floats:
    """Return the vectors of a field at points [N, 2], bilinear."""
    at = points.astype(np.float32).reshape(1, -1, 2)
    found = cv2.remap(field, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found[0], np.float64)


def _hits(mask: Mask, points: Floats) -> Flags:
    """Return which points [N, 2] lie on a mask, bool [N]; none outside of the picture."""
    column, row = np.rint(points).astype(int).T
    height, width = mask.shape
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    hit = np.zeros(len(points), bool)
    hit[inside] = mask[row[inside], column[inside]]
    return hit
