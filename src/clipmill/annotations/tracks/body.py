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
from clipmill.annotations.tracks.patches import Templates, likeness

MAX_RETURN_ERROR = 0.8
"""Working pixels within which a point must come back when carried back."""

_BASE_TOLERANCE = 1.2
_HARD_LIMIT = 9.0  # working pixels a limb may move against its body in one frame
_PLAIN = 12.0  # texture at which Lucas-Kanade and the body's motion weigh the same
_LIKE_FIRST, _LIKE_RECENT, _LIKE_STRAY, _LIKE_AGAIN = 0.45, 0.6, 0.85, 0.75
_ROLLBACK = 3  # frames over which a lost point was probably dragged already
_REFRESH = 10
_MIN_FOR_POSE = 6
_WELL_SEEN = 0.4  # share of points that must agree before turn, scale and speed are believed
_DRIFT_GAIN = 0.3
_COAST = 15  # frames a hidden body keeps its speed; then it slows down
_SLOWING = 0.93


@dataclass(frozen=True)
class Seed:
    """What is followed of one object.

    Attributes:
        points: [N, 2] in the first frame, working pixels; these are reported.
        support: [M, 2]: corners on the object that help to tell its motion.
        visible: bool [N]: points that can be seen in the first frame.
    """

    points: Floats
    support: Floats
    visible: Flags


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
        self.templates = Templates(patches)
        self.recent = patches.copy()
        self.likeness: Floats = np.ones(len(self.places))
        self._alike_for = np.zeros(len(self.places), int)
        self._accepted = self.seen.copy()
        self._stray = np.zeros(len(self.places), bool)
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

    def propose(self, there: Floats, error: Floats, *, size: tuple[int, int]) -> None:
        """Take in where Lucas-Kanade puts the points, and move on.

        Args:
            there: [K, 2]; of no meaning for points that are not seen.
            error: [K]: forward-backward error; infinite for those.
            size: Width and height of the frame.
        """
        self._age += 1
        good = self.seen & (error < MAX_RETURN_ERROR)
        fitted = poses.fit(self.places[good], there[good]) if good.sum() >= self.needed else None
        if fitted is None or fitted[1].sum() < max(self.needed, 0.25 * good.sum()):
            self._coast(size)
            return
        step, followers = fitted
        if followers.sum() < _WELL_SEEN * len(self.places):
            shift = (there - self.places)[good][followers].mean(axis=0)
            step = poses.translation(shift)
        modelled = poses.apply(step, self.places)
        miss = np.linalg.norm(there - modelled, axis=1)
        spread = float(np.median(miss[good][followers]))
        tolerance = _BASE_TOLERANCE + 4 * spread
        self._accepted = good & (miss < tolerance)
        self._stray = good & ~self._accepted & (miss < _HARD_LIMIT)
        self.pose = poses.compose(step, self.pose)
        texture = self.templates.texture
        weight = np.where(self._accepted | self._stray, texture / (texture + _PLAIN), 0.0)
        moved = weight > 0
        self.places = poses.apply(self.pose, self.own)
        target = modelled + weight[:, None] * (there - modelled)
        self.places[moved] = target[moved]
        shift = (self.places[good] - self.history[-1][good]).mean(axis=0)
        self.velocity = 0.5 * self.velocity + 0.5 * shift if self._age > 1 else shift
        if followers.sum() >= _WELL_SEEN * len(self.places):
            self.steady = 0.7 * self.steady + 0.3 * shift if self._age > 1 else shift
        self.hidden_for = 0

    def _coast(self, size: tuple[int, int]) -> None:
        """Go on without being seen; slow down behind a cover, stop well outside of the frame."""
        if not self.hidden_for:
            self._forget_last_steps()
        self.hidden_for += 1
        self._accepted[:] = False
        self._stray[:] = False
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

    def judge(self, patches: Floats, inside: Flags) -> None:
        """Decide which points are seen, by their looks.

        Args:
            patches: [K, 225] around `places`.
            inside: bool [K]: whether they lie in the image.
        """
        first = likeness(self.templates.patches, patches)
        recent = likeness(self.recent, patches)
        self.likeness = first
        alike = (first > _LIKE_FIRST) | (recent > _LIKE_RECENT)
        plain = self.seen & (self.templates.texture < _PLAIN) & (np.maximum(first, recent) > 0.7)
        keep = (self._accepted & alike) | (self._stray & (recent > _LIKE_STRAY)) | plain
        keep &= inside & (self.hidden_for == 0)
        lost = self.seen & ~keep
        self._roll_back(lost)
        self._alike_for = np.where((first > _LIKE_AGAIN) & inside, self._alike_for + 1, 0)
        again = ~self.seen & (self._alike_for >= 2) & (self.hidden_for == 0)
        self.seen = keep | again
        self._settle(patches, first)
        refresh = keep & (self._age % _REFRESH == 0)
        self.recent[refresh] = patches[refresh]
        if not self.hidden_for and self.seen.sum() < self.needed:
            self.hidden_for = 1
        self._remember()

    def _settle(self, patches: Floats, first: Floats) -> None:
        """Move own places after what was seen, and back where the first look says so."""
        inverse = poses.invert(self.pose)
        own = poses.apply(inverse, self.places)
        self.own[self.seen] = own[self.seen]
        offset = self.templates.offset(patches)
        sure = self.seen & (first > 0.8) & (np.linalg.norm(offset, axis=1) < 1.0)
        self.own[sure] -= _DRIFT_GAIN * offset[sure]
        self.places = poses.apply(self.pose, self.own)
        if sure.sum() >= max(_MIN_FOR_POSE, _WELL_SEEN * len(sure)):
            # Steps add up to a drift of turn and scale; the first frame has none.
            self.pose = poses.fit_all(self.history[0][sure], self.places[sure])
            self.own = poses.apply(poses.invert(self.pose), self.places)

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
