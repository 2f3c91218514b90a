"""What points look like: small patches, upright in the object's own frame.

A patch is sampled along with the object's turn and scale, so that one of the first frame can be
compared with one of any later frame. `Templates` keeps the first look, answers how alike a later
one is, and how far off it sits (one step of inverse compositional alignment, Baker and Matthews,
2004).
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from clipmill.annotations.tracks.arrays import Floats, Gray

RADIUS = 7
_NOISE_VARIANCE = 40.0  # keeps plain patches from failing by their noise
_BRIGHTNESS = 35.0  # grey levels of difference in brightness at which likeness has fallen by 1/e

_SIDE = np.arange(-RADIUS, RADIUS + 1, dtype=np.float64)
_OFFSETS = np.stack(np.meshgrid(_SIDE, _SIDE), axis=-1).reshape(-1, 2)


def sample(gray: Gray, points: Floats, linear: Floats) -> Floats:
    """Return patches around points.

    Args:
        gray: uint8 [H, W].
        points: [N, 2].
        linear: [N, 2, 2]: turn and scale from the object's own frame to this one.

    Returns:
        float32 [N, 15 * 15], grey levels; the border is repeated outside of the image.
    """
    if not len(points):
        return np.zeros((0, len(_OFFSETS)), np.float32)
    grid = points[:, None] + np.einsum("nij,pj->npi", linear, _OFFSETS)
    grid = grid.astype(np.float32)
    return cv2.remap(
        gray, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)


def likeness(a: Floats, b: Floats) -> Floats:
    """Return how alike patches look, [N] in [-1, 1]; 1 is equal.

    Structure is compared as in SSIM (Wang et al., 2004), times a factor for brightness, so that
    plain patches can be told apart as well.
    """
    mean_a, mean_b = a.mean(axis=1), b.mean(axis=1)
    covariance = ((a - mean_a[:, None]) * (b - mean_b[:, None])).mean(axis=1)
    structure = (2 * covariance + _NOISE_VARIANCE) / (
        a.var(axis=1) + b.var(axis=1) + _NOISE_VARIANCE
    )
    return structure * np.exp(-(((mean_a - mean_b) / _BRIGHTNESS) ** 2))


@dataclass
class Templates:
    """First looks of points.

    Attributes:
        patches: float32 [N, 225].
        texture: [N]: smaller eigenvalue of the gradient's covariance, squared grey levels.
    """

    patches: Floats
    texture: Floats = field(init=False)
    _gradient: Floats = field(init=False)
    _solve: Floats = field(init=False)

    def __post_init__(self) -> None:
        side = 2 * RADIUS + 1
        pictures = self.patches.reshape(-1, side, side)
        slopes = [np.gradient(pictures, axis=axis) for axis in (2, 1)]
        gradient = np.stack(slopes, axis=-1).reshape(len(pictures), side * side, 2)
        normal = np.einsum("npi,npj->nij", gradient, gradient) / (side * side)
        self._gradient = gradient / (side * side)
        self._solve = np.linalg.inv(normal + 2.0 * np.eye(2))
        self.texture = np.linalg.eigvalsh(normal)[:, 0]

    def offset(self, patches: Floats) -> Floats:
        """Return by how much patches sit beside their templates, [N, 2], in the own frame."""
        a = self.patches - self.patches.mean(axis=1, keepdims=True)
        b = patches - patches.mean(axis=1, keepdims=True)
        gain = np.sqrt((a.var(axis=1) + 1.0) / (b.var(axis=1) + 1.0))
        difference = b * gain[:, None] - a
        slope = np.einsum("npi,np->ni", self._gradient, difference)
        return np.einsum("nij,nj->ni", self._solve, slope)
