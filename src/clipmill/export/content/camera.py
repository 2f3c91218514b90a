"""Poses and intrinsics at the frames of an export, between the frames they were measured at."""

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation, Slerp

from clipmill.annotations.camera.schema import CameraRow
from clipmill.canvas.placement import Placement
from clipmill.export.content.sample import CameraPath
from clipmill.store.codecs import decode_array


def camera_path(
    row: CameraRow, positions: npt.NDArray[np.float64], *, placement: Placement
) -> CameraPath:
    """Return the camera at places between the frames of a clip.

    Rotations are interpolated on the sphere (slerp), camera centres and the logarithm of focal
    lengths along straight lines; before the first and behind the last measured frame the camera
    stands still. The first pose of the result is the identity. From where a step was not measured
    on, translations are NaN.

    Args:
        row: The camera annotation of the clip.
        positions: float64 [T], in frames from the clip's start, ascending.
        placement: From source pixels to those of the export.
    """
    frames = decode_array(row.frames).astype(np.float64)
    rotations = decode_array(row.rotations).astype(np.float64)
    at = np.clip(positions, frames[0], frames[-1])
    centres = _centres(
        row, rotations, first=max(0, int(np.searchsorted(frames, at[0], "right")) - 1)
    )
    turned = _slerp(frames, rotations, at)
    places = np.stack([np.interp(at, frames, centres[:, axis]) for axis in range(3)], axis=1)
    poses = np.tile(np.eye(4), (len(at), 1, 1))
    poses[:, :3, :3] = turned @ turned[0].T
    poses[:, :3, 3] = -np.einsum("tij,tj->ti", turned, places - places[0])
    focals = np.log(decode_array(row.focals).astype(np.float64))
    focal = np.exp(np.stack([np.interp(at, frames, focals[:, axis]) for axis in (0, 1)], axis=1))
    return CameraPath(
        world_to_camera=poses,
        intrinsics=_intrinsics(focal, placement),
        metric=row.metric,
        focal_known=row.focal_known,
    )


def _centres(
    row: CameraRow, rotations: npt.NDArray[np.float64], *, first: int
) -> npt.NDArray[np.float64]:
    """Return the camera's centre at each sampled frame from `first` on, [T, 3], world axes.

    The steps of the camera are added up from there, so that one that was not measured before it
    does no harm. Frames before `first` are NaN.
    """
    steps = decode_array(row.steps).astype(np.float64).reshape(-1, 3)
    centres = np.full((len(rotations), 3), np.nan)
    centres[first] = 0
    moves = np.einsum("tji,tj->ti", rotations[:-1], steps)[first:]
    centres[first + 1 :] = np.cumsum(moves, axis=0)
    return centres


def _slerp(
    frames: npt.NDArray[np.float64],
    rotations: npt.NDArray[np.float64],
    at: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    if len(frames) == 1:
        return np.repeat(rotations, len(at), axis=0)
    between: npt.NDArray[np.float64] = Slerp(frames, Rotation.from_matrix(rotations))(
        at
    ).as_matrix()
    return between


def _intrinsics(focal: npt.NDArray[np.float64], placement: Placement) -> npt.NDArray[np.float64]:
    """Return K [T, 3, 3]; the principal point is the middle of the source frame."""
    width, height = placement.source
    middle = placement.points(np.array([(width - 1) / 2, (height - 1) / 2]))
    matrices = np.zeros((len(focal), 3, 3))
    matrices[:, 0, 0] = focal[:, 0] * placement.scaled[0] / width
    matrices[:, 1, 1] = focal[:, 1] * placement.scaled[1] / height
    matrices[:, :2, 2] = middle
    matrices[:, 2, 2] = 1
    return matrices
