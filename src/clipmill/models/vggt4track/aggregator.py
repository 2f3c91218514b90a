"""Alternating attention: within each frame, then over all frames (Wang et al., "VGGT", 2025)."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from clipmill.models.vggt4track.blocks import AttentionBlock
from clipmill.models.vggt4track.config import PATCH, REGISTERS, VGGTConfig
from clipmill.models.vggt4track.patch_embed import PatchEmbed
from clipmill.models.vggt4track.rope import Rotation, grid_positions

SPECIAL = 1 + REGISTERS
"""Tokens in front of a frame's patches: one for the camera, then the registers."""

_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class Aggregator(nn.Module):
    """Turns frames into tokens that know of each other.

    The first frame has a camera token and registers of its own, all others share theirs: so the
    network knows which frame's camera is the origin.
    """

    def __init__(self, config: VGGTConfig) -> None:
        super().__init__()
        width = config.width
        self.head_channels = width // config.heads
        self.camera_token = nn.Parameter(torch.zeros(1, 2, 1, width))
        self.register_token = nn.Parameter(torch.zeros(1, 2, REGISTERS, width))
        self.patch_embed = PatchEmbed(config)
        self.frame_blocks = nn.ModuleList(
            AttentionBlock(width, config.heads, normed=True) for _ in range(config.depth)
        )
        self.global_blocks = nn.ModuleList(
            AttentionBlock(width, config.heads, normed=True) for _ in range(config.depth)
        )
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(3, 1, 1), persistent=False)

    def layers(self, frames: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the tokens of every layer.

        Args:
            frames: float [B, T, 3, H, W], RGB in [0, 1]; H and W multiples of 14.

        Yields:
            The tokens after the frame block and those after the global block, float
            [B, T, 5 + H / 14 * W / 14, width] each. A frame's tokens are camera, registers,
            patches row by row.
        """
        batch, length, _, height, width = frames.shape
        patches = self.patch_embed(((frames - self.mean) / self.deviation).flatten(0, 1))
        tokens = torch.cat([self._special(batch, length).to(patches.dtype), patches], dim=1)
        positions = grid_positions(
            height // PATCH, width // PATCH, special=SPECIAL, device=frames.device
        )
        in_frame = Rotation(positions, channels=self.head_channels)
        in_clip = Rotation(positions.repeat(length, 1), channels=self.head_channels)
        shape = (batch, length)
        for frame_block, global_block in zip(self.frame_blocks, self.global_blocks, strict=True):
            local = frame_block(tokens, in_frame)
            joined = global_block(
                local.unflatten(0, shape).flatten(1, 2),  # [B, T * N, width]
                in_clip,
            ).unflatten(1, (length, -1))
            yield local.unflatten(0, shape), joined
            tokens = joined.flatten(0, 1)

    def _special(self, batch: int, length: int) -> Tensor:
        """Return camera token and registers of every frame, [B * T, 5, width]."""
        both = torch.cat([self.camera_token, self.register_token], dim=2)
        frames = torch.cat([both[:, :1], both[:, 1:].expand(-1, length - 1, -1, -1)], dim=1)
        return frames.expand(batch, -1, -1, -1).flatten(0, 1)
