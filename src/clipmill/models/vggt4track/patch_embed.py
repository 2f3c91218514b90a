"""From pixels to patch tokens: the DINOv2 vision transformer.

Oquab et al., "DINOv2", 2024, with the registers of Darcet et al., "Vision transformers need
registers", 2024.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipmill.models.vggt4track.blocks import AttentionBlock
from clipmill.models.vggt4track.config import PATCH, REGISTERS, WIDTH, VGGTConfig

_EPSILON = 1e-6
_SIDE = WIDTH // PATCH  # patches along each side of the picture the positions were learned on


class Patches(nn.Module):
    """Cuts frames into patches and maps each to a token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=PATCH, stride=PATCH)

    def forward(self, frames: Tensor) -> Tensor:
        """Map frames [B, 3, H, W] to tokens [B, width, H / 14, W / 14]."""
        return self.proj(frames)


class PatchEmbed(nn.Module):
    """A ViT of which only the normalised patch tokens go on."""

    def __init__(self, config: VGGTConfig) -> None:
        super().__init__()
        width = config.width
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + _SIDE * _SIDE, width))
        self.register_tokens = nn.Parameter(torch.zeros(1, REGISTERS, width))
        self.patch_embed = Patches(width)
        self.blocks = nn.ModuleList(
            AttentionBlock(width, config.patch_heads, epsilon=_EPSILON)
            for _ in range(config.patch_depth)
        )
        self.norm = nn.LayerNorm(width, eps=_EPSILON)

    def forward(self, frames: Tensor) -> Tensor:
        """Embed frames.

        Args:
            frames: float [B, 3, H, W], normalised; H and W multiples of 14.

        Returns:
            float [B, H / 14 * W / 14, width], row by row.
        """
        grid = self.patch_embed(frames)
        tokens = grid.flatten(2).transpose(1, 2)
        first, places = self._positions(grid.shape[-2], grid.shape[-1])
        count = len(tokens)
        tokens = torch.cat(
            [
                (self.cls_token + first).expand(count, -1, -1),
                self.register_tokens.expand(count, -1, -1),
                tokens + places,
            ],
            dim=1,
        )
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens[:, 1 + REGISTERS :])

    def _positions(self, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        """Return the position of the class token [1, 1, C] and of the patches [1, N, C]."""
        first, square = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        if (rows, columns) != (_SIDE, _SIDE):
            picture = square.transpose(1, 2).unflatten(2, (_SIDE, _SIDE))
            picture = functional.interpolate(
                picture.float(), size=(rows, columns), mode="bicubic", antialias=True
            )
            square = picture.flatten(2).transpose(1, 2)
        return first, square
