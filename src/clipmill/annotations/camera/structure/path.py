"""The way of a camera through a clip, where it travelled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from clipmill.annotations.camera.homography.rotation_zoom import Turn
from clipmill.annotations.camera.klt import Trails
from clipmill.annotations.camera.structure.focal import focal_of_clip
from clipmill.annotations.camera.structure.system import FocalPrior
from clipmill.annotations.camera.structure.units import in_one_unit
from clipmill.annotations.camera.structure.windows import Window, adjust_windows, with_focal
from clipmill.vision.arrays import Floats, Matrix
from clipmill.vision.threads import one_thread


@dataclass(frozen=True)
class PathStep:
    """Motion of a travelling camera between two neighbouring sampled frames.

    Attributes:
        rotation: float64 [3, 3], from the first to the second camera.
        translation: float64 [3], x2 = R x1 + t, in units of the median depth of the points.
        share: Share of the picture that the window explains, [0, 1].
    """

    rotation: Matrix
    translation: Floats
    share: float


@dataclass(frozen=True)
class TravelPath:
    """Where a camera travelled.

    Attributes:
        steps: One per pair of sampled frames; None where the camera is not seen to travel.
        stills: One per pair: whether the camera stands, as far as can be seen.
        focal: Focal length of the first frame, working pixels; None where nothing tells it.
    """

    steps: tuple[PathStep | None, ...]
    stills: tuple[bool, ...]
    focal: float | None


def travel_path(
    trails: Trails,
    turns: Sequence[Turn],
    *,
    size: tuple[int, int],
    prior: FocalPrior,
    check: Callable[[], None],
) -> TravelPath:
    """Find where the camera travels, and how.

    Args:
        trails: Points of T sampled frames.
        turns: T - 1 motions as if the camera stayed in place.
        size: Width and height of the frames, working pixels.
        prior: What is known of the focal length of the first frame.
        check: Deadline check.
    """
    rotations, zooms = [np.eye(3)], [0.0]
    for turn in turns:
        rotations.append(turn.rotation @ rotations[-1])
        zooms.append(zooms[-1] + float(np.log(turn.zoom)))
    # The sums of a matrix product depend on the number of threads, and rows must not.
    with one_thread():
        windows = adjust_windows(
            trails, np.array(rotations), np.array(zooms), size=size, prior=prior, check=check
        )
        focal = focal_of_clip(windows, prior, long_side=max(size))
        travelled = []
        for window in windows:
            if window.travelled:
                check()
                travelled.append(with_focal(window, focal or prior.focal, size=size))
    return TravelPath(
        _steps(in_one_unit(travelled), len(turns)), _stills(windows, len(turns)), focal
    )


def _stills(windows: Sequence[Window], count: int) -> tuple[bool, ...]:
    """Return the pairs in which all windows that hold them see a camera that stands."""
    stills = []
    for pair in range(count):
        around = [w.still for w in windows if w.frames.start <= pair < w.frames.stop - 1]
        stills.append(bool(around) and all(around))
    return tuple(stills)


def _steps(windows: Sequence[Window], count: int) -> tuple[PathStep | None, ...]:
    """Return the steps, each from the window in whose middle it lies most."""
    steps: list[PathStep | None] = []
    for pair in range(count):
        around = [
            (min(pair - w.frames.start, w.frames.stop - 2 - pair), -number)
            for number, w in enumerate(windows)
            if w.frames.start <= pair < w.frames.stop - 1
        ]
        if not around:
            steps.append(None)
            continue
        steps.append(_step(windows[-max(around)[1]], pair))
    return tuple(steps)


def _step(window: Window, pair: int) -> PathStep:
    first = pair - window.frames.start
    rotations, translations = window.scene.rotations, window.scene.translations
    rotation = rotations[first + 1] @ rotations[first].T
    shift = translations[first + 1] - rotation @ translations[first]
    return PathStep(rotation, shift, window.explained.share)
