"""One object being followed: its pose as a whole, and its points in the object's own frame.

Points of an object move together. A point's place is its own place (fixed to the object) under
the object's pose; what Lucas-Kanade sees moves the own place a little, never a lot. A point that
disagrees, or no longer looks like itself, is hidden: it is carried with the object and can not
slide onto whatever covers it. It is seen again when it looks like itself again.
"""

from dataclasses import dataclass

import numpy as np

from clipmill.annotations.tracks import pose as poses
from clipmill.annotations.tracks.arrays import Flags, Floats
from clipmill.annotations.tracks.patches import Templates, likeness, windows

MAX_RETURN_ERROR = 0.8
"""Working pixels within which a point must come back when carried back."""

_BASE_TOLERANCE = 1.2
_EDGE = 1.0  # points that leave the picture stick to its edge before they are lost
_HARD_LIMIT = 9.0  # working pixels a limb may move against its body in one frame
_STIFFNESS = 0.3  # weight of "moves as the whole body does" among a point's neighbours
_NEAR = 0.35  # of the object's size
_TEAR, _MIN_TEAR = 0.15, 2.5  # of the object's size, and working pixels: strain it can bear
_PULL_SEEN, _PULL_HIDDEN = 0.1, 0.2
_PLAIN = 12.0  # texture at which Lucas-Kanade and the body's motion weigh the same
_LIKE_FIRST, _LIKE_RECENT, _LIKE_STRAY, _LIKE_AGAIN = 0.45, 0.6, 0.85, 0.75
_ROLLBACK = 3  # frames over which a lost point was probably dragged already
_REFRESH = 8
_MIN_FOR_POSE = 6
_WELL_SEEN = 0.4  # share of points that must agree before turn, scale and speed are believed
_LIKE_SURE, _MAX_OFFSET = 0.8, 1.0  # alignment with the first look is believed within these
_COAST = 15  # frames a hidden body keeps its speed; then it slows down
_SLOWING = 0.93


@dataclass(frozen=True)
class Seed:
    """What is followed of one object.

    Attributes:
        points: [N, 2] in the first frame, working pixels; these are reported.
        support: [M, 2]: corners on the object that help to tell its motion.
        visible: bool [N]: points that can be seen in the first frame.
        mask: bool [H, W]: where the object is in the first frame.
    """

    points: Floats
    support: Floats
    visible: Flags
    mask: Flags


class Body:
    """State of one object while frames go by.

    Attributes:
        places: [K, 2], points then support, working pixels.
        own: [K, 2]: the same in the object's own frame (its first frame).
        seen: bool [K].
        pose: float64 [2, 3], from the own frame to the current one.
        velocity: [2], pixels per frame, of late.
        steady: [2]: the same while the object was well seen; it coasts with this.
        hidden_for: Frames since the object was last seen; 0 while it is.
    """

    def __init__(self, seed: Seed, patches: Floats) -> None:
        self.num_points = len(seed.points)
        self.places: Floats = np.concatenate([seed.points, seed.support]).astype(np.float64)
        self.own: Floats = self.places.copy()
        self.seen = np.concatenate([seed.visible, np.ones(len(seed.support), bool)])
        self.pose: Floats = poses.identity()
        self.velocity: Floats = np.zeros(2)
        self.steady: Floats = np.zeros(2)
        self.hidden_for = 0
        self.templates = Templates(patches, windows(seed.mask, self.places))
        self.recent = patches.copy()
        self._alike_for = np.zeros(len(self.places), int)
        self._closeness = _closeness(self.places)
        self._most_strain = max(_MIN_TEAR, _TEAR * _size(self.places))
        self._age = 0
        self.history: list[Floats] = [self.places.copy()]
        self.seen_history: list[Flags] = [self.seen.copy()]
        self._pose_history = [self.pose]
        self._own_history = [self.own.copy()]

    @property
    def needed(self) -> int:
        """Points that must agree for the object to count as seen."""
        return max(3, int(np.ceil(0.12 * len(self.places))))

    def guess(self) -> Floats:
        """Return where the points are expected in the next frame, [K, 2]."""
        return self.places + self.velocity

    def propose(
        self, there: Floats, error: Floats, looks: Floats, *, size: tuple[int, int]
    ) -> None:
        """Take in where Lucas-Kanade puts the points, and move on.

        Args:
            there: [K, 2]; of no meaning for points that are not seen.
            error: [K]: forward-backward error; infinite for those.
            looks: [K, 225]: patches around `there`.
            size: Width and height of the frame.
        """
        self._age += 1
        first = self.templates.likeness(looks)
        recent = likeness(self.recent, looks, self.templates.weights)
        inside = ((there >= _EDGE) & (there <= np.asarray(size) - 1 - _EDGE)).all(axis=1)
        good = self.seen & inside & (error < MAX_RETURN_ERROR)
        good &= (first > _LIKE_FIRST) | (recent > _LIKE_RECENT)
        fitted = poses.fit(self.places[good], there[good]) if good.sum() >= self.needed else None
        if fitted is None:
            self._coast(size)
            return
        step, followers = fitted
        if followers.sum() < _WELL_SEEN * len(self.places):
            step = poses.translation(np.median(there[good] - self.places[good], axis=0))
        modelled = poses.apply(step, self.places)
        modelled = modelled + self._bending(there - modelled, good)
        accepted = good & self._agrees(there, modelled, good, recent)
        self.pose = poses.compose(step, self.pose)
        self._place(there, modelled, accepted, looks, first)
        self._update_speed(accepted)
        strain = self._strain(accepted)
        torn = accepted & (np.linalg.norm(strain, axis=1) > self._most_strain)
        accepted &= ~torn
        self._roll_back(self.seen & ~accepted)
        self._relax(strain, accepted, torn)
        self.seen = accepted
        self.hidden_for = 0
        if self._age % _REFRESH == 0:
            self.recent[accepted] = looks[accepted]

    def _bending(self, miss: Floats, good: Flags) -> Floats:
        """Return how the neighbours of each point move against the body, [K, 2].

        A mean over the good points, weighed by their closeness on the object; the point itself
        has no say.
        """
        weights = self._closeness * good[None, :]
        return (weights @ np.where(good[:, None], miss, 0)) / (
            weights.sum(axis=1, keepdims=True) + _STIFFNESS
        )

    def _agrees(self, there: Floats, modelled: Floats, good: Flags, recent: Floats) -> Flags:
        miss = np.linalg.norm(there - modelled, axis=1)
        tolerance = _BASE_TOLERANCE + 4 * float(np.median(miss[good]))
        stray = (miss < _HARD_LIMIT) & (recent > _LIKE_STRAY)
        return np.asarray((miss < tolerance) | stray, bool)

    def _place(
        self, there: Floats, modelled: Floats, accepted: Flags, looks: Floats, first: Floats
    ) -> None:
        """Set places and own places: seen points by sight, hidden ones with their neighbours.

        Steps of Lucas-Kanade add up to a drift, since windows turn, grow and reach over the
        outline; points that still look like themselves are aligned with their first look.
        """
        texture = self.templates.texture
        weight = (texture / (texture + _PLAIN))[:, None]
        offset = self.templates.offset(looks)
        sure = accepted & (first > _LIKE_SURE) & (np.linalg.norm(offset, axis=1) < _MAX_OFFSET)
        aligned = there.copy()
        aligned[sure] -= offset[sure] @ self.pose[:, :2].T
        target = modelled + weight * (aligned - modelled)
        self.places = np.where(accepted[:, None], target, modelled)
        if sure.sum() >= max(_MIN_FOR_POSE, _WELL_SEEN * len(sure)):
            # Steps add up to a drift of turn and scale; the first frame has none.
            self.pose = poses.fit_all(self.history[0][sure], self.places[sure])
        self.own = poses.apply(poses.invert(self.pose), self.places)

    def _strain(self, accepted: Flags) -> Floats:
        """Return how far each point has moved on the object against its neighbours, [K, 2]."""
        moved = self.own - self.history[0]
        weights = self._closeness * accepted[None, :]
        total = weights.sum(axis=1, keepdims=True)
        around = (weights @ moved) / np.maximum(total, 1e-6)
        return np.where(total > _STIFFNESS, moved - around, 0.0)

    def _relax(self, strain: Floats, accepted: Flags, torn: Flags) -> None:
        """Let strained points go back: torn ones at once, hidden ones soon, plain ones slowly.

        Beside an outline, the background in a point's window drags it a little every frame; no
        single step tells, the sum does.
        """
        plain = _PLAIN / (self.templates.texture + _PLAIN)
        pull = np.where(accepted, _PULL_SEEN * plain, _PULL_HIDDEN)
        pull = np.where(torn, 1.0, pull)
        self.own -= pull[:, None] * strain
        self.places = poses.apply(self.pose, self.own)

    def _update_speed(self, accepted: Flags) -> None:
        if not accepted.any():
            return
        shift = (self.places - self.history[-1])[accepted].mean(axis=0)
        fresh = self._age == 1
        self.velocity = shift if fresh else 0.5 * self.velocity + 0.5 * shift
        if accepted.sum() >= _WELL_SEEN * len(accepted):
            self.steady = shift if fresh else 0.7 * self.steady + 0.3 * shift

    def _coast(self, size: tuple[int, int]) -> None:
        """Go on without being seen; slow down behind a cover, stop well outside of the frame."""
        if not self.hidden_for:
            self._forget_last_steps()
        self.hidden_for += 1
        self.seen = np.zeros(len(self.places), bool)
        reach = np.asarray(size, float)
        covered = bool(((self.places >= 0) & (self.places < reach)).all())
        if covered and self.hidden_for > _COAST:
            self.velocity = self.velocity * _SLOWING
        middle = self.places.mean(axis=0)
        if ((middle < -0.5 * reach) | (middle > 1.5 * reach)).any():
            self.velocity = np.zeros(2)
        self.pose = poses.compose(poses.translation(self.velocity), self.pose)
        self.places = poses.apply(self.pose, self.own)

    def _forget_last_steps(self) -> None:
        """Undo the last steps of an object that has just been covered; they were dragged."""
        self.velocity = self.steady
        back = max(0, len(self.history) - _ROLLBACK)
        for t in range(back + 1, len(self.history)):
            drift = poses.translation(self.steady * (t - back))
            self._pose_history[t] = poses.compose(drift, self._pose_history[back])
            hidden = ~self.seen_history[t]
            self.history[t][hidden] = poses.apply(self._pose_history[t], self.own[hidden])
        self.pose = self._pose_history[-1]

    def revisit(self, looks: Floats, inside: Flags) -> None:
        """See hidden points again that look like themselves twice in a row, and end the frame.

        Args:
            looks: [K, 225]: patches around `places`.
            inside: bool [K]: whether they lie in the image.
        """
        first = self.templates.likeness(looks)
        last = likeness(self.recent, looks, self.templates.weights)
        alike = (first > _LIKE_AGAIN) | (last > _LIKE_STRAY)
        self._alike_for = np.where(alike & inside, self._alike_for + 1, 0)
        if not self.hidden_for:
            self.seen = self.seen | (self._alike_for >= 2)
            if self.seen.sum() < self.needed:
                self.hidden_for = 1
        self.seen = self.seen & inside
        self._remember()

    def _roll_back(self, lost: Flags) -> None:
        """Undo the last steps of points that were dragged along by what now covers them."""
        if not lost.any():
            return
        back = max(0, len(self._own_history) - _ROLLBACK)
        self.own[lost] = self._own_history[back][lost]
        for t in range(back + 1, len(self.history)):
            self.history[t][lost] = poses.apply(self._pose_history[t], self.own[lost])
            self._own_history[t][lost] = self.own[lost]
        self.places[lost] = poses.apply(self.pose, self.own[lost])

    def _remember(self) -> None:
        self.history.append(self.places.copy())
        self.seen_history.append(self.seen.copy())
        self._pose_history.append(self.pose)
        self._own_history.append(self.own.copy())

    def found_at(self, shift: Floats, likeness_there: Floats) -> None:
        """Take up an object again that was hidden, `shift` beside where it was expected.

        The guessed places since it was last seen are corrected in proportion.
        """
        hidden = self.hidden_for
        for back in range(1, hidden + 1):
            share = 1 - (back - 1) / hidden
            correction = poses.translation(shift * share)
            self.history[-back] = poses.apply(correction, self.history[-back])
            self._pose_history[-back] = poses.compose(correction, self._pose_history[-back])
        self.pose = self._pose_history[-1]
        self.places = self.history[-1].copy()
        self.velocity = self.velocity + shift / hidden
        self.seen = likeness_there > _LIKE_AGAIN - 0.05
        self.seen_history[-1] = self.seen.copy()
        self.hidden_for = 0


def _closeness(places: Floats) -> Floats:
    """Return the weight each point has for each other, [K, K]; zero for itself."""
    size = _size(places)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    weights = np.exp(-0.5 * (apart / max(_NEAR * size, 1.0)) ** 2)
    np.fill_diagonal(weights, 0.0)
    return weights


def _size(places: Floats) -> float:
    """Return the root mean square distance of points from their middle."""
    return float(np.sqrt(places.var(axis=0).sum())) if len(places) else 0.0
