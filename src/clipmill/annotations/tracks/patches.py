"""What points look like: small patches, upright in the object's own frame.

A patch is sampled along with the object's turn and scale, so that one of the first frame can be
compared with one of any later frame. `Templates` keeps the first look, answers how alike a later
one is, and how far off it sits (one step of inverse compositional alignment, Baker and Matthews,
2004).
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from clipmill.annotations.tracks.arrays import Flags, Floats, Gray

RADIUS = 7
_NOISE_VARIANCE = 40.0  # keeps plain patches from failing by their noise
_LEAST_COVERED = 0.2
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


def windows(mask: Flags, points: Floats) -> Floats:
    """Return which part of the patch around each point belongs to the object.

    What lies beside an outline moves with the background, and would drag the point along.

    Args:
        mask: bool [H, W], the object in its first frame.
        points: [N, 2] in that frame.

    Returns:
        float64 [N, 225], weights >= 0 that sum to 1. A patch that hardly touches the object
        counts as a whole: its mask tells nothing about it.
    """
    upright = np.broadcast_to(np.eye(2), (len(points), 2, 2))
    covered = sample(mask.astype(np.uint8), points, upright).astype(np.float64)
    covered[covered.mean(axis=1) < _LEAST_COVERED] = 1.0
    return covered / covered.sum(axis=1, keepdims=True)


def likeness(a: Floats, b: Floats, weights: Floats) -> Floats:
    """Return how alike patches look, [N] in [-1, 1]; 1 is equal.

    Structure is compared as in SSIM (Wang et al., 2004), times a factor for brightness, so that
    plain patches can be told apart as well.

    Args:
        a: [N, 225].
        b: [N, 225].
        weights: [N, 225], each row sums to 1.
    """
    mean_a, centred_a, variance_a = _moments(a, weights)
    mean_b, centred_b, variance_b = _moments(b, weights)
    covariance = (weights * centred_a * centred_b).sum(axis=1)
    structure = (2 * covariance + _NOISE_VARIANCE) / (variance_a + variance_b + _NOISE_VARIANCE)
    return structure * np.exp(-(((mean_a - mean_b) / _BRIGHTNESS) ** 2))


def _moments(patches: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mean [N], patches less their mean [N, 225] and variance [N]."""
    mean = (weights * patches).sum(axis=1)
    centred = patches - mean[:, None]
    return mean, centred, (weights * centred**2).sum(axis=1)


@dataclass
class Templates:
    """First looks of points.

    Attributes:
        patches: float32 [N, 225].
        weights: [N, 225]: the part of each patch that counts, see `windows`.
        texture: [N]: smaller eigenvalue of the gradient's covariance, squared grey levels.
    """

    patches: Floats
    weights: Floats
    texture: Floats = field(init=False)
    _gradient: Floats = field(init=False)
    _solve: Floats = field(init=False)

    def __post_init__(self) -> None:
        side = 2 * RADIUS + 1
        pictures = self.patches.reshape(-1, side, side)
        slopes = [np.gradient(pictures, axis=axis) for axis in (2, 1)]
        gradient = np.stack(slopes, axis=-1).reshape(len(pictures), side * side, 2)
        weighted = gradient * self.weights[..., None]
        normal = np.einsum("npi,npj->nij", weighted, gradient)
        self._gradient = weighted
        self._solve = np.linalg.inv(normal + 2.0 * np.eye(2))
        self.texture = np.linalg.eigvalsh(normal)[:, 0]

    def likeness(self, patches: Floats) -> Floats:
        """Return how alike patches are to their templates, [N] in [-1, 1]."""
        return likeness(self.patches, patches, self.weights)

    def offset(self, patches: Floats) -> Floats:
        """Return by how much patches sit beside their templates, [N, 2], in the own frame."""
        _, a, variance_a = _moments(self.patches, self.weights)
        _, b, variance_b = _moments(patches, self.weights)
        gain = np.sqrt((variance_a + 1.0) / (variance_b + 1.0))
        difference = b * gain[:, None] - a
        slope = np.einsum("npi,np->ni", self._gradient, difference)
        return np.einsum("nij,nj->ni", self._solve, slope)
