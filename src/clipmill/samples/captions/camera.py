"""What the camera does over the frames of a sample, from its camera annotation."""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.tracks.motion import BackgroundMotion
from clipmill.samples.captions.course import Course, course_of
from clipmill.samples.schema import SampleRow
from clipmill.store.codecs import decode_array

Floats = npt.NDArray[np.floating[Any]]

_MEASURED = 0.9
"""Least share of a sample's steps that must have been measured for anything to be said."""

_TRAVEL_MEASURED = 0.7
"""The same for travel, which is not measured where nothing shows parallax."""

_FOLLOWS, _OFF = 0.5, 0.002
"""Least share of the background that follows the motion found, and most distance of it from that,
in longer sides of the picture, where no travel is measured; beyond, what was followed was no
background (water, a wall without texture, a face that fills the picture)."""

_TURNS_FOLLOWS, _TURNS_OFF = 0.8, 0.0008
"""The same for a camera that is sure to turn in its place: where it goes sideways past a scene of
any depth, more of the picture than that disagrees."""

STILL = 0.01
"""Reach of the view, in longer sides of the picture, below which a camera stands still."""

STILL_ZOOM, STILL_ROLL, STILL_TRAVEL = 0.015, 1.0, 0.02
"""The same for log(focal ratio), degrees and depths of the scene."""


@dataclass(frozen=True)
class CameraMoves:
    """Courses of the camera; travel is None where it was not measured.

    Attributes:
        pan: To the right, longer sides of the picture.
        tilt: Upwards, longer sides of the picture.
        roll: Clockwise, degrees.
        zoom: In, log(focal ratio).
        truck: To the right, depths of the scene.
        pedestal: Upwards, depths of the scene.
        dolly: Forward, depths of the scene.
        seconds: Between the first and the last measured frame.
        background: Motion of the background; None where the camera was found to travel, so that
            no plane stands for it.
        travelled: Sum of the measured steps, depths of the scene, however few they are.
        turns_only: Whether it is sure to stay in its place. Else what looks like a turn may be a
            camera that goes sideways, and an object may stand still where the background moves.
    """

    pan: Course
    tilt: Course
    roll: Course
    zoom: Course
    truck: Course | None
    pedestal: Course | None
    dolly: Course | None
    seconds: float
    background: BackgroundMotion | None
    travelled: float
    turns_only: bool

    @property
    def travels(self) -> bool:
        """Whether travel was measured all along and is not nothing."""
        ways = (self.truck, self.pedestal, self.dolly)
        return any(way is not None and way.reach > STILL_TRAVEL for way in ways)

    @property
    def is_still(self) -> bool:
        """Whether nothing of the camera moves."""
        return self.is_within(1.0)

    def is_within(self, times: float) -> bool:
        """Whether nothing reaches further than so many times the limits of a still camera."""
        return (
            max(self.pan.reach, self.tilt.reach) < times * STILL
            and self.zoom.reach < times * STILL_ZOOM
            and self.roll.reach < times * STILL_ROLL
            and self.travelled < STILL_TRAVEL
        )


def camera_moves(row: CameraRow | None, sample: SampleRow) -> CameraMoves | None:
    """Follow the camera over the frames of a sample.

    Returns:
        None where there is no camera row, it does not reach over the sample's frames, too little
        of it was measured, or too little of the background follows it (water, crowds).
    """
    if row is None:
        return None
    frames = decode_array(row.frames)
    last = sample.anchor + sample.num_frames - 1
    within = np.flatnonzero((frames >= sample.anchor) & (frames <= last))
    covered = int(np.ptp(frames[within])) if len(within) > 1 else 0
    if not covered or covered < _MEASURED * (last - sample.anchor):
        return None
    pairs = within[:-1]
    homographies = decode_array(row.homographies)[pairs]
    steps = decode_array(row.steps)[pairs].astype(np.float64)
    travelled = np.asarray(np.isfinite(steps).all(axis=1))
    # A pair that could not be matched has the stand-in of no motion, and no travel either.
    blind = (homographies == np.eye(3)).all(axis=(1, 2)) & ~travelled
    if blind.mean() > 1 - _MEASURED:
        return None
    turns = _turns(decode_array(row.rotations)[within].astype(np.float64))
    focal = decode_array(row.focals)[within, 0].astype(np.float64)
    views = turns * (focal[:-1, None] / max(sample.width, sample.height))
    truck, pedestal, dolly = _travel(steps, travelled)
    moves = CameraMoves(
        pan=_summed(views[:, 1]),
        tilt=_summed(views[:, 0]),
        roll=_summed(np.degrees(turns[:, 2])),
        zoom=course_of(np.log(focal / focal[0])),
        truck=truck,
        pedestal=pedestal,
        dolly=dolly,
        seconds=covered / sample.fps,
        background=None,
        travelled=float(np.linalg.norm(steps[travelled], axis=1).sum()),
        turns_only=False,
    )
    off = row.residual / max(sample.width, sample.height)
    if moves.travels:
        return moves
    if row.inlier_share < _FOLLOWS or off > _OFF:
        return None
    stays = row.inlier_share >= _TURNS_FOLLOWS and off <= _TURNS_OFF
    return replace(
        moves,
        background=BackgroundMotion.of(row),
        turns_only=stays and moves.travelled < STILL_TRAVEL,
    )


def _turns(rotations: Floats) -> Floats:
    """Return the turns between neighbouring cameras, [T - 1, 3]: up, right, clockwise, radians."""
    relative = rotations[1:] @ rotations[:-1].transpose(0, 2, 1)
    # Rotations are of the world: it turns against the camera.
    return np.array([-cv2.Rodrigues(matrix)[0].ravel() for matrix in relative])


def _travel(
    steps: Floats, measured: npt.NDArray[np.bool_]
) -> tuple[Course | None, Course | None, Course | None]:
    """Return truck, pedestal and dolly; a few steps that were not measured count as none."""
    if measured.mean() < _TRAVEL_MEASURED:
        return None, None, None
    known = np.where(measured[:, None], steps, 0.0)
    return _summed(known[:, 0]), _summed(-known[:, 1]), _summed(known[:, 2])


def _summed(steps: Floats) -> Course:
    return course_of(np.concatenate([[0.0], np.cumsum(steps)]))
