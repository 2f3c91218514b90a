"""CLIP's text network (Radford et al., 2021): a causal transformer.

Own definition under the names of the published checkpoint.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


class QuickGELU(nn.Module):
    """The approximation of GELU that CLIP was trained with."""

    def forward(self, values: Tensor) -> Tensor:
        """Map values of any shape."""
        return values * torch.sigmoid(1.702 * values)


class TextBlock(nn.Module):
    """Attention and a perceptron, each beside a shortcut.

    Args:
        width: Channels, 64 of them per head.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, width // 64, batch_first=True)
        self.ln_1 = nn.LayerNorm(width)
        layers = {
            "c_fc": nn.Linear(width, 4 * width),
            "gelu": QuickGELU(),
            "c_proj": nn.Linear(4 * width, width),
        }
        self.mlp = nn.Sequential(OrderedDict(layers))
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, values: Tensor, mask: Tensor) -> Tensor:
        """Map [B, T, width] to the same shape; `mask` [T, T] is added before the softmax."""
        inner = self.ln_1(values)
        values = values + self.attn(inner, inner, inner, need_weights=False, attn_mask=mask)[0]
        out: Tensor = values + self.mlp(self.ln_2(values))
        return out


class TextTransformer(nn.Module):
    """Blocks one after the other; a word sees those before it.

    Args:
        width: Channels.
        layers: Number of blocks.
    """

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(TextBlock(width) for _ in range(layers))

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, T, width] to the same shape."""
        length = values.shape[1]
        mask = torch.full((length, length), -torch.inf, dtype=values.dtype, device=values.device)
        mask = mask.triu(1)
        for block in self.resblocks:
            values = block(values, mask)
        return values
