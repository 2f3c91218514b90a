"""How much an object moves, from its tracks: one number per object."""

from dataclasses import dataclass

import numpy as np

from clipmill.annotations.camera.schema import CameraRow
from clipmill.store.codecs import decode_array
from clipmill.vision.arrays import Flags, Floats

_SMOOTHING = 5
"""Frames over which steps are averaged, so that jitter is not motion."""


@dataclass(frozen=True)
class BackgroundMotion:
    """The background's homographies between sampled frames.

    Attributes:
        frames: int [T], from the clip's start, ascending.
        homographies: float64 [T - 1, 3, 3], source pixels.
    """

    frames: np.ndarray
    homographies: Floats

    @classmethod
    def of(cls, row: CameraRow) -> "BackgroundMotion":
        """Read it from a camera row."""
        return cls(decode_array(row.frames), decode_array(row.homographies))

    def shift(self, points: Floats, frame: int) -> Floats:
        """Return by how much background points [N, 2] at `frame` move to the next frame.

        The motion between two sampled frames is spread evenly over the frames between; outside
        of the sampled range the nearest motion is taken to go on.
        """
        if not len(self.homographies):
            return np.zeros_like(points)
        pair = int(np.searchsorted(self.frames, frame, side="right")) - 1
        pair = min(max(pair, 0), len(self.homographies) - 1)
        matrix = self.homographies[pair]
        moved = points @ matrix[:, :2].T + matrix[:, 2]
        depth = np.where(np.abs(moved[:, 2:]) < 1e-6, 1e-6, moved[:, 2:])
        gap = max(1, int(self.frames[pair + 1] - self.frames[pair]))
        return (moved[:, :2] / depth - points) / gap


def motion_strength(tracks: Floats, *, width: int, height: int) -> float:
    """Return the reference's measure: straight way per frame over the frame's area.

    Args:
        tracks: [T, N, 2] of the surviving points, source pixels.
        width: Of the source, pixels.
        height: Of the source, pixels.

    Returns:
        Mean over points of |last - first| / (T - 1) * 100000 / (height * width); 0 without points.
        It depends on the resolution: twice the size halves it.
    """
    length, count = tracks.shape[:2]
    if length < 2 or not count:
        return 0.0
    way = np.linalg.norm(tracks[-1] - tracks[0], axis=1)
    return float(way.mean() / (length - 1) * 100000 / (height * width))


def motion_speed(
    tracks: Floats,
    visibility: Flags,
    *,
    width: int,
    height: int,
    anchor: int = 0,
    background: BackgroundMotion | None = None,
) -> float:
    """Return the mean length of path per frame, in permille of the frame's diagonal.

    Steps are averaged over five frames first. Only steps between frames where the point is
    visible count, since hidden places are guesses; a point that is never visible twice in a row
    counts with all its steps.

    Args:
        tracks: [T, N, 2] of the surviving points, source pixels.
        visibility: bool [T, N].
        width: Of the source, pixels.
        height: Of the source, pixels.
        anchor: Clip index of the first row of `tracks`.
        background: Taken out of every step when given.

    Returns:
        0 without points.
    """
    length, count = tracks.shape[:2]
    if length < 2 or not count:
        return 0.0
    steps = np.diff(tracks.astype(np.float64), axis=0)
    if background is not None:
        for t in range(length - 1):
            steps[t] -= background.shift(tracks[t].astype(np.float64), anchor + t)
    speed = np.linalg.norm(_smoothed(steps), axis=2)
    both = (visibility[1:] & visibility[:-1]).astype(np.float64)
    both[:, both.sum(axis=0) == 0] = 1.0
    per_point = (speed * both).sum(axis=0) / both.sum(axis=0)
    return float(per_point.mean() / np.hypot(width, height) * 1000)


def _smoothed(steps: Floats) -> Floats:
    """Return centred running means over time, shorter at both ends."""
    length = len(steps)
    total = np.concatenate([np.zeros((1, *steps.shape[1:])), np.cumsum(steps, axis=0)])
    at = np.arange(length)
    reach = np.minimum(np.minimum(at, length - 1 - at), _SMOOTHING // 2)
    low, high = at - reach, at + reach + 1
    return (total[high] - total[low]) / (high - low)[:, None, None]
