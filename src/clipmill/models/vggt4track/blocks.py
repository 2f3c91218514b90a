"""The transformer block that all parts of the network are made of.

Pre-norm (Dosovitskiy et al., "An image is worth 16x16 words", 2021) with LayerScale (Touvron et
al., 2021), optionally with normalised queries and keys (Henry et al., 2020).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipmill.models.vggt4track.rope import Rotation


class LayerScale(nn.Module):
    """A learned factor per channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Scale tokens [..., width]."""
        return tokens * self.gamma


class Mlp(nn.Module):
    """Two linear layers with an exact GELU between them."""

    def __init__(self, width: int, hidden: int, out: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, out)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens [..., width] to [..., out]."""
        return self.fc2(functional.gelu(self.fc1(tokens)))


class Attention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, width: int, heads: int, *, normed: bool) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.q_norm = nn.LayerNorm(width // heads) if normed else nn.Identity()
        self.k_norm = nn.LayerNorm(width // heads) if normed else nn.Identity()
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor, rotation: Rotation | None = None) -> Tensor:
        """Let tokens [B, N, width] attend to each other."""
        query, key, value = (
            self.qkv(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        )
        query, key = self.q_norm(query), self.k_norm(key)
        if rotation is not None:
            query, key = rotation(query), rotation(key)
        # autocast leaves the norms in float32; the fused kernels want one dtype
        mixed = functional.scaled_dot_product_attention(
            query.to(value.dtype), key.to(value.dtype), value
        )
        return self.proj(mixed.transpose(1, 2).flatten(2))


class AttentionBlock(nn.Module):
    """Attention, then an MLP of four times the width, both added to what came in."""

    def __init__(
        self, width: int, heads: int, *, normed: bool = False, epsilon: float = 1e-5
    ) -> None:
        """Build the block.

        Args:
            width: Channels of a token.
            heads: Attention heads.
            normed: Whether queries and keys are normalised.
            epsilon: Of the two norms of the block.
        """
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.attn = Attention(width, heads, normed=normed)
        self.ls1 = LayerScale(width)
        self.norm2 = nn.LayerNorm(width, eps=epsilon)
        self.mlp = Mlp(width, 4 * width, width)
        self.ls2 = LayerScale(width)

    def forward(self, tokens: Tensor, rotation: Rotation | None = None) -> Tensor:
        """Map tokens [B, N, width] to the same shape."""
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens), rotation))
        return tokens + self.ls2(self.mlp(self.norm2(tokens)))
