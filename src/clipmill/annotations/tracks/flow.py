"""One step of pyramidal Lucas-Kanade for many points, there and back (Bouguet, 2000)."""

import cv2
import numpy as np

from clipmill.annotations.tracks.arrays import Flags, Floats, Gray

_WINDOW = (21, 21)  # smaller ones lose plain and blurred things
_LEVELS = 3
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.01)


def step(first: Gray, second: Gray, points: Floats, guess: Floats) -> tuple[Floats, Floats]:
    """Carry points from one frame to the next.

    Args:
        first: uint8 [H, W].
        second: uint8 [H, W].
        points: [N, 2] in the first frame.
        guess: [N, 2]: where they are expected in the second frame.

    Returns:
        Their places in the second frame, [N, 2], and how far from the start each one lands when
        it is carried back, [N]; infinite where it was lost on the way.
    """
    if not len(points):
        return np.zeros((0, 2)), np.zeros(0)
    there, found = _carry(first, second, points, guess)
    back, found_back = _carry(second, first, there, there - (guess - points))
    error = np.linalg.norm(back - points, axis=1)
    return there, np.where(found & found_back, error, np.inf)


def _carry(first: Gray, second: Gray, points: Floats, guess: Floats) -> tuple[Floats, Flags]:
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        first,
        second,
        np.ascontiguousarray(points, np.float32),
        np.ascontiguousarray(guess, np.float32),
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_STOP,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        minEigThreshold=1e-5,
    )
    return moved.astype(np.float64), status.ravel().astype(bool)
