"""The row of backends that estimate absolute poses and focal lengths, not matched points."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clipmill.annotations.camera.poses import PairMotion, build_row
from clipmill.annotations.camera.schema import CameraRow
from clipmill.errors import ClipError
from clipmill.store.codecs import encode_array
from clipmill.vision.arrays import Flags, Floats, Matrix


def row_from_poses(
    frames: Sequence[int],
    poses: Floats,
    focals: Floats,
    *,
    width: int,
    height: int,
    name: str,
) -> CameraRow:
    """Summarise estimated cameras.

    Homographies are those of a camera that only turns and zooms, K' R K^-1, as without depth the
    share of its travel is not known. Nothing was matched, so nothing disagrees: every pair counts
    with `inlier_share` 1 and `residual` 0.

    Args:
        frames: T sampled frames, from the clip's start, ascending.
        poses: float64 [T, 4, 4], world-to-camera, of any origin.
        focals: float64 [T, 2]: fx, fy in source pixels.
        width: Of the source, pixels.
        height: Of the source, pixels.
        name: The file, for messages.

    Returns:
        The row, with the first frame's camera as the origin.

    Raises:
        ClipError: A pose is no number, or a focal length is not positive and finite.
    """
    _check(frames, poses, focals, name=name)
    motions = [
        _motion(
            relative=poses[later] @ _inverse(poses[later - 1]),
            focals=focals[later - 1 : later + 1],
            width=width,
            height=height,
        )
        for later in range(1, len(frames))
    ]
    row = build_row(frames, motions, focal=float(focals[0, 0]), width=width, height=height)
    return replace(row, focals=encode_array(focals.astype(np.float32)), focal_known=True)


def _check(frames: Sequence[int], poses: Floats, focals: Floats, *, name: str) -> None:
    numbers = np.column_stack([poses.reshape(len(frames), -1), focals])
    good: Flags = np.asarray(np.isfinite(numbers).all(axis=1) & (focals > 0).all(axis=1))
    if not good.all():
        first = frames[int(np.argmin(good))]
        raise ClipError(
            f"{name}: {int((~good).sum())} of {len(good)} estimated cameras are unusable (pose "
            f"or focal length not finite), the first at frame {first} of the clip; drop the clip, "
            "or check the weights if many clips fail like this"
        )


def _motion(*, relative: Matrix, focals: Floats, width: int, height: int) -> PairMotion:
    rotation = relative[:3, :3]
    before, after = (_calibration(focal, width=width, height=height) for focal in focals)
    homography = after @ rotation @ np.linalg.inv(before)
    corner = homography[2, 2]
    if abs(corner) < 1e-9:  # the top left corner turns exactly into the image plane
        corner = 1e-9
    return PairMotion(
        homography=homography / corner,
        rotation=rotation,
        translation=relative[:3, 3],
        zoom=float(np.sqrt(focals[1].prod() / focals[0].prod())),
        share=1.0,
        residual=0.0,
        measured=True,
    )


def _calibration(focal: Floats, *, width: int, height: int) -> Matrix:
    """Return K with the principal point in the middle of the pixel grid."""
    return np.array([[focal[0], 0, (width - 1) / 2], [0, focal[1], (height - 1) / 2], [0, 0, 1.0]])


def _inverse(pose: Matrix) -> Matrix:
    inverse = np.eye(4)
    inverse[:3, :3] = pose[:3, :3].T
    inverse[:3, 3] = -pose[:3, :3].T @ pose[:3, 3]
    return inverse
