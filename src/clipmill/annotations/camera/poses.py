"""From motion between neighbouring sampled frames to poses and the row's summary."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clipmill.annotations.camera.rotation import angle_of, rotation_vector
from clipmill.annotations.camera.schema import CameraRow
from clipmill.store.codecs import encode_array
from clipmill.vision.arrays import Flags, Floats, Matrix

_UNKNOWN = np.full(3, np.nan)
_LEAST_SHARE = 0.5
"""A mean over fewer of the clip's steps than this says nothing of the clip."""


@dataclass(frozen=True)
class PairMotion:
    """Motion of the camera between two neighbouring sampled frames.

    Attributes:
        homography: float64 [3, 3], background from the first to the second, SOURCE pixels.
        rotation: float64 [3, 3], from the first to the second camera.
        translation: float64 [3], from the first to the second camera, x2 = R x1 + t, in the unit
            of the row; None where it was not measured.
        zoom: Focal ratio second / first.
        share: Share of the picture that follows the motion, [0, 1]; 0 when nothing did.
        residual: Median distance from the homography, source pixels.
        measured: False where too little could be matched; the fields other than `translation`
            then say no motion.
    """

    homography: Matrix
    rotation: Matrix
    translation: Floats | None
    zoom: float
    share: float
    residual: float
    measured: bool

    @classmethod
    def unknown(cls) -> "PairMotion":
        """Return the stand-in for a pair that could not be measured."""
        return cls(np.eye(3), np.eye(3), None, 1.0, 0.0, 0.0, measured=False)


def build_row(
    frames: Sequence[int],
    motions: Sequence[PairMotion],
    *,
    focal: float,
    width: int,
    height: int,
) -> CameraRow:
    """Chain the motions into poses and average them over the measured pairs.

    Args:
        frames: T sampled frames, from the clip's start, ascending.
        motions: T - 1 motions.
        focal: Focal length of the first frame, source pixels.
        width: Of the source, pixels.
        height: Of the source, pixels.

    Returns:
        The row. With a single frame: the identity pose and no motion.
    """
    rotations, translations, focals = [np.eye(3)], [np.zeros(3)], [focal]
    for motion in motions:
        shift = _UNKNOWN if motion.translation is None else motion.translation
        rotations.append(motion.rotation @ rotations[-1])
        translations.append(motion.rotation @ translations[-1] + shift)
        focals.append(focals[-1] * motion.zoom)
    steps = np.array([_step(motion) for motion in motions]).reshape(-1, 3)
    return CameraRow(
        frames=encode_array(np.asarray(frames, np.int32)),
        rotations=encode_array(np.asarray(rotations, np.float32)),
        translations=encode_array(np.asarray(translations, np.float32)),
        steps=encode_array(steps.astype(np.float32)),
        focals=encode_array(np.asarray(focals, np.float32)[:, None].repeat(2, axis=1)),
        homographies=encode_array(
            np.asarray([m.homography for m in motions], np.float64).reshape(-1, 3, 3)
        ),
        **_turns(frames, motions, width=width, height=height),
        **_travel(frames, steps),
        inlier_share=_mean([m.share for m in motions]),
        residual=_mean([m.residual for m in motions if m.measured]),
        metric=False,
        focal_known=False,
    )


def _turns(
    frames: Sequence[int], motions: Sequence[PairMotion], *, width: int, height: int
) -> dict[str, float]:
    """Return the means per frame of all that is measured without travel."""
    gaps = np.diff(np.asarray(frames))
    pairs = [(m, int(gap)) for m, gap in zip(motions, gaps, strict=True) if m.measured]
    centre = np.array([(width - 1) / 2, (height - 1) / 2, 1.0])
    turns = [-rotation_vector(m.rotation) for m, _ in pairs]  # of the camera, not of the world

    def mean(value: Callable[[PairMotion], float]) -> float:
        return _mean([value(m) / gap for m, gap in pairs])

    def turn(axis: int) -> float:
        return _mean(
            [float(np.degrees(t[axis])) / gap for t, (_, gap) in zip(turns, pairs, strict=True)]
        )

    return {
        "rotation": mean(lambda m: angle_of(m.rotation)),
        "pan": turn(1),
        "tilt": turn(0),
        "roll": turn(2),
        "zoom": mean(lambda m: abs(float(np.log(m.zoom)))),
        "zoom_in": mean(lambda m: float(np.log(m.zoom))),
        "pan_speed": mean(lambda m: _shift(m.homography, centre)),
    }


def _travel(frames: Sequence[int], steps: Floats) -> dict[str, Any]:
    """Return the means per frame of the measured steps; None where most were not measured."""
    known: Flags = np.asarray(np.isfinite(steps).all(axis=1))
    share = float(known.mean()) if len(known) else 0.0
    if share < _LEAST_SHARE:
        names = ("translation", "truck", "pedestal", "dolly")
        return {"travel_share": share, **dict.fromkeys(names)}
    speeds = (steps / np.diff(np.asarray(frames))[:, None])[known]
    truck, down, dolly = speeds.mean(axis=0)
    return {
        "travel_share": share,
        "translation": float(np.linalg.norm(speeds, axis=1).mean()),
        "truck": float(truck),
        "pedestal": float(-down),
        "dolly": float(dolly),
    }


def _step(motion: PairMotion) -> Floats:
    """Return the way of the camera's centre, in the axes of the first camera, [3]."""
    if motion.translation is None:
        return _UNKNOWN
    return -motion.rotation.T @ motion.translation


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _shift(homography: Matrix, point: Floats) -> float:
    moved = homography @ point
    return float(np.linalg.norm(moved[:2] / moved[2] - point[:2]))
