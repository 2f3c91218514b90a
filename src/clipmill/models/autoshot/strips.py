"""A pair of blocks, on the whole picture or strip by strip."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipmill.models.autoshot.views import halve


def pair(first: nn.Module, second: nn.Module, values: Tensor, *, strips: int) -> Tensor:
    """Run two blocks, add both answers and halve the sum.

    A strip needs two rows more on either side than it gives, of which the first block uses up
    one. Rows outside of the picture are zero for both blocks, the second's being made so after
    the first, whose bias would show there.

    Args:
        first: Maps [B, T, H, W, C] to [B, T, H, W, C'].
        second: Maps [B, T, H, W, C'] to the same shape.
        values: [B, T, H, W, C].
        strips: Parts to take one after the other, at most one for each row that is given.

    Returns:
        [B, T, H // 2, W // 2, C']; an odd last row or column is left out.
    """
    if strips == 1:
        shortcut = first(values)
        return halve(second(shortcut).add_(shortcut))
    height = values.shape[2]
    edges = [2 * (height // 2 * number // strips) for number in range(strips + 1)]
    parts = []
    for top, bottom in pairwise(edges):
        inside = slice(max(top - 2, 0), min(bottom + 2, height))
        outside = (inside.start - (top - 2), (bottom + 2) - inside.stop)
        strip = functional.pad(values[:, :, inside], (0, 0, 0, 0, *outside))
        shortcut = first(strip, framed=True)
        shortcut[:, :, : max(outside[0] - 1, 0)] = 0
        shortcut[:, :, shortcut.shape[2] - max(outside[1] - 1, 0) :] = 0
        answer = second(shortcut, framed=True)
        parts.append(halve(answer.add_(shortcut[:, :, 1:-1])))
    return torch.cat(parts, dim=2)
