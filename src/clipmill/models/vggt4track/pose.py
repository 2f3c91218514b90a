"""Pose encodings, and what they mean.

An encoding has 9 numbers: translation x, y, z; quaternion x, y, z, w of the rotation; vertical
and horizontal field of view in radians. Rotation and translation map world to camera (OpenCV
axes: x right, y down, z forward).
"""

import torch
from torch import Tensor

ENCODING = 9
"""Numbers per camera."""


def world_to_camera(encoding: Tensor) -> Tensor:
    """Return the poses [..., 4, 4] of encodings [..., 9]; a zero quaternion gives NaN."""
    pose = encoding.new_zeros(*encoding.shape[:-1], 4, 4)
    pose[..., :3, :3] = _rotation(encoding[..., 3:7])
    pose[..., :3, 3] = encoding[..., :3]
    pose[..., 3, 3] = 1
    return pose


def focal_lengths(encoding: Tensor, *, width: int, height: int) -> Tensor:
    """Return fx, fy [..., 2] of encodings [..., 9] in pixels of a picture of the given size.

    The size is that of the picture whose edges the field of view means: what the network saw.
    A field of view of zero gives infinity.
    """
    size = encoding.new_tensor([width, height])
    return size / 2 / torch.tan(encoding[..., [8, 7]] / 2)


def _rotation(quaternion: Tensor) -> Tensor:
    """Return rotation matrices [..., 3, 3] of quaternions [..., 4] (x, y, z, w), any length."""
    x, y, z, w = (quaternion / quaternion.norm(dim=-1, keepdim=True)).unbind(-1)
    rows = [
        *(1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        *(2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        *(2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    ]
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))
