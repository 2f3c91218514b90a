"""From camera tokens to pose encodings, refined in rounds (Wang et al., "VGGT", 2025)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipmill.models.vggt4track.blocks import AttentionBlock, Mlp
from clipmill.models.vggt4track.config import VGGTConfig
from clipmill.models.vggt4track.pose import ENCODING

_MODULATION_EPSILON = 1e-6


class CameraHead(nn.Module):
    """Predicts a change of the poses in each round, seeing those of the round before.

    The poses so far enter as scale, shift and gate of the normalised camera tokens (adaptive
    layer norm; Peebles and Xie, "Scalable diffusion models with transformers", 2023).
    """

    def __init__(self, config: VGGTConfig) -> None:
        super().__init__()
        width = 2 * config.width
        self.refinements = config.refinements
        self.token_norm = nn.LayerNorm(width)
        self.trunk = nn.ModuleList(
            AttentionBlock(width, config.camera_heads) for _ in range(config.camera_depth)
        )
        self.trunk_norm = nn.LayerNorm(width)
        self.empty_pose_tokens = nn.Parameter(torch.zeros(1, 1, ENCODING))
        self.embed_pose = nn.Linear(ENCODING, width)
        self.poseLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 3 * width))
        self.pose_branch = Mlp(width, width // 2, ENCODING)

    def forward(self, tokens: Tensor) -> list[Tensor]:
        """Estimate the cameras.

        Args:
            tokens: float [B, T, 2 * width], the camera token of every frame.

        Returns:
            The pose encodings after every round, float [B, T, 9] each; see `pose`.
        """
        tokens = self.token_norm(tokens)
        plain = functional.layer_norm(tokens, tokens.shape[-1:], eps=_MODULATION_EPSILON)
        raw = self.empty_pose_tokens.expand(*tokens.shape[:2], -1)
        rounds: list[Tensor] = []
        for _ in range(self.refinements):
            shift, scale, gate = self.poseLN_modulation(self.embed_pose(raw)).chunk(3, dim=-1)
            mixed = tokens + gate * (plain * (1 + scale) + shift)
            for block in self.trunk:
                mixed = block(mixed)
            change = self.pose_branch(self.trunk_norm(mixed))
            raw = raw + change if rounds else change
            # a field of view is positive; the rounds go on from the unbounded values
            rounds.append(torch.cat([raw[..., :7], raw[..., 7:].relu()], dim=-1))
        return rounds
