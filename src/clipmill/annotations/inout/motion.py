"""What moved between two neighbouring frames, computed once for all objects of a clip."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.vision.dense_flow import Field, FlowEstimator, Gray, pixel_grid, sample

_STEP = 12
_MIN_POINTS = 12


@dataclass(frozen=True)
class FrameMotion:
    """Motion from a frame to the one before it (in the direction of carrying).

    Attributes:
        flow: float32 [H, W, 2], where each pixel came from, as an offset in pixels.
        mismatch: float32 [H, W]: how badly the frame before, moved by the flow, fits here, in
            grey levels; high where something was uncovered.
        background: float32 [H, W, 2]: the offset of the background at every pixel.
    """

    flow: Field
    mismatch: npt.NDArray[np.float32]
    background: Field


def compare(
    here: Gray, before: Gray, flows: FlowEstimator, *, objects: npt.NDArray[np.bool_]
) -> FrameMotion:
    """Measure the motion between two frames.

    Args:
        here: uint8 [H, W], the current frame.
        before: uint8 [H, W], the frame before.
        flows: The flow estimator.
        objects: bool [H, W], where objects were in the frame before; they do not vote on the
            background.
    """
    flow = flows.one_way(here, before)
    moved = sample(before, pixel_grid(*here.shape) + flow)
    mismatch = cv2.blur(np.abs(here.astype(np.float32) - moved), (3, 3))
    return FrameMotion(flow, mismatch, _background(flow, mismatch, objects))


def _background(
    flow: Field, mismatch: npt.NDArray[np.float32], objects: npt.NDArray[np.bool_]
) -> Field:
    height, width = mismatch.shape
    places = pixel_grid(height, width)[_STEP // 2 :: _STEP, _STEP // 2 :: _STEP].reshape(-1, 2)
    columns, rows = places.astype(int).T
    fits = (mismatch[rows, columns] < 10) & ~objects[rows, columns]
    if fits.sum() < _MIN_POINTS:
        return np.zeros_like(flow)
    a = places[fits]
    offsets = flow[rows, columns][fits]
    # A tripod is the common case; a fit would only add noise.
    still = float((np.linalg.norm(offsets, axis=1) < 0.25).mean())
    if still > 0.6:
        return np.zeros_like(flow)
    cv2.setRNGSeed(0)
    matrix, _ = cv2.estimateAffine2D(
        a, a + offsets, method=cv2.RANSAC, ransacReprojThreshold=0.7, maxIters=500
    )
    if matrix is None:
        return np.zeros_like(flow)
    return affine_offset(matrix, (height, width))


def affine_offset(matrix: npt.NDArray[np.float64], shape: tuple[int, ...]) -> Field:
    """Return how far an affine map [2, 3] moves every pixel, float32 [H, W, 2]."""
    grid = pixel_grid(shape[0], shape[1])
    return np.asarray(cv2.transform(grid, matrix - np.eye(2, 3)), np.float32)
