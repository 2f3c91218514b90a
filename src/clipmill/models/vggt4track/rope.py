"""Rotary position embedding in two dimensions (Su et al., "RoFormer", 2021; Heo et al., 2024).

The first half of a head's channels turns with the row of the patch, the second half with its
column. Attention then depends on how far two patches are apart.
"""

import torch
from torch import Tensor

_BASE = 100.0


def grid_positions(rows: int, columns: int, *, special: int, device: torch.device) -> Tensor:
    """Return the (row, column) of every token of a frame, int64 [special + rows * columns, 2].

    Patches count from 1; the special tokens in front all sit at (0, 0).
    """
    row, column = torch.meshgrid(
        torch.arange(1, rows + 1, device=device),
        torch.arange(1, columns + 1, device=device),
        indexing="ij",
    )
    grid = torch.stack([row, column], dim=-1).reshape(-1, 2)
    return torch.cat([grid.new_zeros(special, 2), grid])


class Rotation:
    """Sines and cosines for one set of positions, shared by all blocks of a pass."""

    def __init__(self, positions: Tensor, *, channels: int) -> None:
        """Compute the tables.

        Args:
            positions: int64 [N, 2]: row and column of each token.
            channels: Channels of a head, a multiple of 4.
        """
        half = channels // 2
        exponent = torch.arange(0, half, 2, device=positions.device, dtype=torch.float32) / half
        angles = positions[:, :, None].float() * _BASE**-exponent  # [N, 2, half / 2]
        self._sine, self._cosine = angles.sin(), angles.cos()

    def __call__(self, tokens: Tensor) -> Tensor:
        """Turn queries or keys [B, heads, N, channels]; the dtype is kept."""
        # [..., axis, part, half / 2]: channel k of the first part pairs with k of the second
        pairs = tokens.unflatten(-1, (2, 2, -1))
        first, second = pairs[..., 0, :], pairs[..., 1, :]
        turned = torch.stack(
            [
                first * self._cosine - second * self._sine,
                second * self._cosine + first * self._sine,
            ],
            dim=-2,
        )
        return turned.flatten(-3).to(tokens.dtype)
