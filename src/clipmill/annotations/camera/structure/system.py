"""The least squares problem of bundle adjustment: its cost and its normal equations."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.annotations.camera.structure.projection import (
    Slopes,
    SparseScene,
    project,
    project_with_slopes,
)
from clipmill.annotations.camera.structure.sightings import Sightings
from clipmill.vision.arrays import Floats

BLOCK = 7  # unknowns of a camera: rotation vector, translation, zoom
PRIOR_WEIGHT = 25.0  # square pixels; errors of a trail go together, so many say less than alone
_LENS_SPREAD = 0.05  # of the distortion; that of a wide telephone or action camera
_LENS_CERTAINTY = PRIOR_WEIGHT / _LENS_SPREAD**2
_GAUGE = 1e-3  # square pixels; holds the scale, and points without parallax, where they are


@dataclass(frozen=True)
class FocalPrior:
    """What is known of the focal length beforehand.

    Attributes:
        focal: Working pixels.
        spread: Standard deviation of its log; 0 where it is known and not adjusted.
    """

    focal: float
    spread: float

    @property
    def certainty(self) -> float:
        """Weight of the squared difference of logs, square pixels."""
        return PRIOR_WEIGHT / self.spread**2 if self.spread else 0.0


@dataclass(frozen=True)
class System:
    """Normal equations; P columns of cameras and the lens, N points.

    Attributes:
        cameras: float64 [P, P].
        mixed: float64 [P, N].
        points: float64 [N], the diagonal; points do not depend on one another.
        camera_slope: float64 [P].
        point_slope: float64 [N].
    """

    cameras: Floats
    mixed: Floats
    points: Floats
    camera_slope: Floats
    point_slope: Floats


def robust_errors(error: Floats, scale: float) -> Floats:
    """Return Cauchy's cost of squared errors [M], square pixels."""
    return scale**2 * np.log1p(error / scale**2)


def squared_errors(scene: SparseScene, sightings: Sightings) -> Floats:
    """Return how far the points are from where they are seen, squared, [M]."""
    return np.square(project(scene, sightings) - sightings.places).sum(axis=1)


def total_cost(scene: SparseScene, sightings: Sightings, scale: float, prior: FocalPrior) -> float:
    """Return the robust squared error with priors, square pixels; see `adjust`."""
    errors = robust_errors(squared_errors(scene, sightings), scale)
    off = np.log(scene.focal / prior.focal)
    gauge = _GAUGE * np.square(scene.inverse_depths - 1).sum()
    return float(
        (sightings.weights * errors).sum()
        + prior.certainty * off**2
        + gauge
        + _LENS_CERTAINTY * scene.distortion**2
    )


def normal_equations(
    scene: SparseScene, sightings: Sightings, scale: float, prior: FocalPrior
) -> System:
    """Return the equations of one robust Gauss-Newton step; see `adjust`."""
    seen, slopes = project_with_slopes(scene, sightings)
    error = sightings.places - seen
    robust = sightings.weights / (1 + np.square(error).sum(axis=1) / scale**2)
    root = np.sqrt(robust)[:, None]
    error = error * root
    jacobian = _jacobian(slopes, sightings, root)
    by_point = slopes.inverse_depth * root
    count, points = len(sightings.anchors), sightings.points
    mixed = _by_rows(
        (by_point.ravel(), np.repeat(points, 2), np.arange(2 * len(points) + 1)),
        shape=(2 * len(points), count),
    )
    cameras = (jacobian.T @ jacobian).toarray()
    camera_slope = jacobian.T @ error.ravel()
    certainty = np.array([prior.certainty, _LENS_CERTAINTY])
    off = np.array([np.log(scene.focal / prior.focal), scene.distortion])
    cameras[[-2, -1], [-2, -1]] += certainty
    camera_slope[-2:] -= certainty * off
    return System(
        cameras=cameras,
        mixed=(jacobian.T @ mixed).toarray(),
        points=np.bincount(points, np.square(by_point).sum(axis=1), count) + _GAUGE,
        camera_slope=camera_slope,
        point_slope=np.bincount(points, (by_point * error).sum(axis=1), count)
        - _GAUGE * (scene.inverse_depths - 1),
    )


def _jacobian(slopes: Slopes, sightings: Sightings, root: Floats) -> Any:
    """Return the derivatives by all cameras, [2 M, 7 T + 2]."""
    count = len(sightings)
    block = np.arange(BLOCK)
    anchors = sightings.anchors[sightings.points]
    columns = np.concatenate(
        [
            sightings.frames[:, None] * BLOCK + block,
            anchors[:, None] * BLOCK + block,
            np.broadcast_to(sightings.num_frames * BLOCK + np.arange(2), (count, 2)),
        ],
        axis=1,
    )
    values = np.concatenate([slopes.later, slopes.anchor, slopes.lens], axis=2)
    values = values * root[:, :, None]
    width = columns.shape[1]
    return _by_rows(
        (values.ravel(), np.repeat(columns, 2, axis=0).ravel(), np.arange(2 * count + 1) * width),
        shape=(2 * count, sightings.num_frames * BLOCK + 2),
    )


def _by_rows(parts: tuple[npt.NDArray[Any], ...], shape: tuple[int, int]) -> Any:
    """Return a sparse matrix of its values, columns and the beginnings of its rows."""
    from scipy import sparse  # slow to import: looking at rows needs none

    return sparse.csr_matrix(parts, shape=shape)
