"""Points in space from depth and cameras."""

import torch
from torch import Tensor

from clipmill.models.vggt4track.pose import focal_lengths


def camera_points(depth: Tensor, encoding: Tensor) -> Tensor:
    """Return where every pixel lies, seen from its own frame's camera.

    Args:
        depth: float [..., H, W], along the optical axis.
        encoding: Pose encodings of the frames, float [..., 9]; only the field of view is used.

    Returns:
        float [..., H, W, 3]: x right, y down, z forward, in the unit of the depth. Column and row
        0 are at 0, the principal point is at W / 2 and H / 2, as published.
    """
    height, width = depth.shape[-2:]
    focal = focal_lengths(encoding, width=width, height=height)
    columns = torch.arange(width, device=depth.device, dtype=depth.dtype) - width / 2
    rows = torch.arange(height, device=depth.device, dtype=depth.dtype) - height / 2
    across = columns / focal[..., :1, None]  # [..., 1, W]
    down = rows[:, None] / focal[..., 1:, None]  # [..., H, 1]
    return torch.stack([across * depth, down * depth, depth], dim=-1)
