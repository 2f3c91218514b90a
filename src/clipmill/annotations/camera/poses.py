"""From motion between neighbouring sampled frames to poses and the row's summary."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clipmill.annotations.camera.arrays import Floats, Matrix
from clipmill.annotations.camera.rotation import angle_of
from clipmill.annotations.camera.schema import CameraRow
from clipmill.store.codecs import encode_array


@dataclass(frozen=True)
class PairMotion:
    """Motion of the camera between two neighbouring sampled frames.

    Attributes:
        homography: float64 [3, 3], background from the first to the second, SOURCE pixels.
        rotation: float64 [3, 3], from the first to the second camera.
        translation: float64 [3], in units of the scene's median depth.
        zoom: Focal ratio second / first.
        share: Share of the picture that follows the motion, [0, 1]; 0 when nothing did.
        residual: Median distance from the homography, source pixels.
        measured: False where too little could be matched; the other fields then say no motion.
    """

    homography: Matrix
    rotation: Matrix
    translation: Floats
    zoom: float
    share: float
    residual: float
    measured: bool

    @classmethod
    def unknown(cls) -> "PairMotion":
        """Return the stand-in for a pair that could not be measured."""
        return cls(np.eye(3), np.eye(3), np.zeros(3), 1.0, 0.0, 0.0, measured=False)


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
        rotations.append(motion.rotation @ rotations[-1])
        translations.append(motion.rotation @ translations[-1] + motion.translation)
        focals.append(focals[-1] * motion.zoom)
    gaps = np.diff(np.asarray(frames))
    pairs = [(m, int(gap)) for m, gap in zip(motions, gaps, strict=True) if m.measured]
    centre = np.array([(width - 1) / 2, (height - 1) / 2, 1.0])

    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values)) if values else 0.0

    return CameraRow(
        frames=encode_array(np.asarray(frames, np.int32)),
        rotations=encode_array(np.asarray(rotations, np.float32)),
        translations=encode_array(np.asarray(translations, np.float32)),
        focals=encode_array(np.asarray(focals, np.float32)[:, None].repeat(2, axis=1)),
        homographies=encode_array(
            np.asarray([m.homography for m in motions], np.float64).reshape(-1, 3, 3)
        ),
        rotation=mean([angle_of(m.rotation) / gap for m, gap in pairs]),
        translation=mean([float(np.linalg.norm(m.translation)) / gap for m, gap in pairs]),
        zoom=mean([abs(float(np.log(m.zoom))) / gap for m, gap in pairs]),
        pan_speed=mean([_shift(m.homography, centre) / gap for m, gap in pairs]),
        inlier_share=mean([m.share for m in motions]),
        residual=mean([m.residual for m, _ in pairs]),
        metric=False,
        focal_known=False,
    )


def _shift(homography: Matrix, point: Floats) -> float:
    moved = homography @ point
    return float(np.linalg.norm(moved[:2] / moved[2] - point[:2]))
