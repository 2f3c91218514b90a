"""A clip in windows, each adjusted by itself.

A window is long enough to show parallax and short enough for bundle adjustment to begin from a
camera that stands. It shares a good part with the next.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clipmill.annotations.camera.klt import Trails
from clipmill.annotations.camera.structure.adjust import Adjusted, Unknowns, adjust
from clipmill.annotations.camera.structure.evidence import (
    Explained,
    explained_by,
    has_travelled,
    turns_add_nothing,
    turns_suffice,
    without_motion,
)
from clipmill.annotations.camera.structure.projection import SparseScene
from clipmill.annotations.camera.structure.sightings import Sightings
from clipmill.annotations.camera.structure.solve import OTHER_STARTS, solve_travel, solve_turn
from clipmill.annotations.camera.structure.system import FocalPrior
from clipmill.vision.arrays import Floats

_LENGTH, _STRIDE = 24, 14  # sampled frames
_SHORTEST = 6
_LEAST_SIGHTINGS = 300
_SCALE = 0.002  # longer sides of the picture; errors beyond it count ever less
_TOLD = 0.5  # share of the picture below which a window explains too little, and is halved
_WELL = 0.72  # share from which travel is taken to be solved at the first go
_HOPE = 0.35  # share below which nothing rigid moves, and no further go helps
_SURE = 0.6  # share of the picture that turns explain when they tell the focal length


@dataclass(frozen=True)
class Window:
    """A stretch of sampled frames, adjusted.

    Attributes:
        frames: The sampled frames.
        sightings: What was seen.
        scene: Cameras and depths.
        travelled: Whether the travel is to be believed; else the cameras stay in place.
        still: Whether not even a turn is seen.
        explained: What the scene explains of the picture.
        best: Share of the picture that was explained at best, by travel or turns.
        focal: Focal length of the clip's first frame as this window has it, working pixels.
        focal_spread: Standard deviation of its log; None where the window tells nothing of it.
    """

    frames: range
    sightings: Sightings
    scene: SparseScene
    travelled: bool
    still: bool
    explained: Explained
    best: float
    focal: float
    focal_spread: float | None


def adjust_windows(
    trails: Trails,
    rotations: Floats,
    zooms: Floats,
    *,
    size: tuple[int, int],
    prior: FocalPrior,
    check: Callable[[], None],
) -> list[Window]:
    """Adjust the windows of a clip, each for itself.

    Args:
        trails: Points of T sampled frames.
        rotations: float64 [T, 3, 3], world-to-camera, as if the camera stayed in place.
        zooms: float64 [T], log of the focal length over that of the first frame.
        size: Width and height of the frames, working pixels.
        prior: Of the focal length of the first frame.
        check: Deadline check.

    Returns:
        Windows in time order; those in which too little is seen are left out.
    """
    windows: list[Window] = []
    waiting = window_ranges(len(trails))
    while waiting:
        check()
        frames = waiting.pop(0)
        sightings = Sightings.of(trails, frames, size=size)
        if len(sightings) < _LEAST_SIGHTINGS:
            continue
        part = slice(frames.start, frames.stop)
        window = _adjust(frames, sightings, rotations[part], zooms[part], size=size, prior=prior)
        if _HOPE <= window.best < _TOLD and len(frames) >= _LENGTH:
            waiting = [*_halves(frames), *waiting]
        else:
            windows.append(window)
    return [
        window if not window.travelled or _is_backed(window, windows) else _doubted(window)
        for window in windows
    ]


def window_ranges(num_frames: int) -> list[range]:
    """Return the windows of a clip of so many sampled frames, evenly spread over it."""
    if num_frames < _SHORTEST:
        return []
    if num_frames <= _LENGTH + _STRIDE // 2:
        return [range(num_frames)]
    last = num_frames - _LENGTH
    count = -(-last // _STRIDE) + 1
    starts = [round(number * last / (count - 1)) for number in range(count)]
    return [range(start, start + _LENGTH) for start in starts]


def _halves(frames: range) -> tuple[range, range]:
    """Return two windows of a little more than half the length, for a camera that is too fast."""
    length = len(frames) // 2 + 2
    return frames[:length], frames[-length:]


def _adjust(
    frames: range,
    sightings: Sightings,
    rotations: Floats,
    zooms: Floats,
    *,
    size: tuple[int, int],
    prior: FocalPrior,
) -> Window:
    scale = _SCALE * max(size)
    turn = solve_turn(rotations, zooms, sightings, scale=scale, prior=prior)
    turns = explained_by(turn.scene, sightings, size=size)
    best = turns.share
    if not turns_suffice(turns):
        travel, explained = _travel(rotations, sightings, scale=scale, size=size, prior=prior)
        scene, spread = travel.scene, travel.focal_spread
        best = max(best, explained.share)
        if has_travelled(scene, sightings, explained, turns, size=size):
            return Window(
                frames, sightings, scene, True, False, explained, best, scene.focal, spread
            )
    still = turns_add_nothing(explained_by(without_motion(turn.scene), sightings, size=size), turns)
    first = turn.scene.focal / float(np.exp(zooms[0]))
    told = turn.focal_spread if turns.share >= _SURE else None
    return Window(frames, sightings, turn.scene, False, still, turns, best, first, told)


def _travel(
    rotations: Floats,
    sightings: Sightings,
    *,
    scale: float,
    size: tuple[int, int],
    prior: FocalPrior,
) -> tuple[Adjusted, Explained]:
    """Solve for travel; begin again elsewhere where it looks like a side minimum."""
    travel = solve_travel(rotations, sightings, scale=scale, prior=prior)
    explained = explained_by(travel.scene, sightings, size=size)
    if _TOLD <= explained.share < _WELL and sightings.num_frames >= _LENGTH:
        other = solve_travel(rotations, sightings, scale=scale, prior=prior, starts=OTHER_STARTS)
        if other.cost < travel.cost:
            travel, explained = other, explained_by(other.scene, sightings, size=size)
    return travel, explained


def _is_backed(window: Window, windows: Sequence[Window]) -> bool:
    """Return whether a window that overlaps travels too, if there is one.

    An object that crosses the picture looks like travel for a moment; cameras go on for longer.
    """
    others = [
        other.travelled
        for other in windows
        if other is not window
        and other.frames.start < window.frames.stop
        and window.frames.start < other.frames.stop
    ]
    return any(others) or not others


def _doubted(window: Window) -> Window:
    return replace(window, travelled=False, focal_spread=None)


def with_focal(window: Window, focal: float, *, size: tuple[int, int]) -> Window:
    """Return a window that travels, adjusted again with a focal length that is given."""
    found = adjust(
        replace(window.scene, focal=focal),
        window.sightings,
        Unknowns(travel=True, lens=True),
        scale=_SCALE * max(size),
        prior=FocalPrior(focal, 1.0),
        rounds=10,
    )
    explained = explained_by(found.scene, window.sightings, size=size)
    return replace(window, scene=found.scene, explained=explained)
