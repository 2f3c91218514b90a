"""The network as published; attributes bear the names of its checkpoint."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipmill.models.autoshot.blocks import BLOCKS, BlockSpec, TemporalBlock
from clipmill.models.autoshot.layers import Linear, LinearRelu
from clipmill.models.autoshot.similarity import ColourSimilarity, FeatureSimilarity

WINDOW = 100
"""Frames the network looks at together."""

HEIGHT, WIDTH = 27, 48

UNUSED = frozenset({"fc1.linear.weight", "fc1.linear.bias"})
"""Keys of the published checkpoint that belong to a candidate the search did not choose."""

_HIDDEN = 1024
_SIMILARITY = 128
_FEATURES = 2 * _SIMILARITY + sum(BLOCKS[-1].outputs) * (HEIGHT // 8) * (WIDTH // 8)


class AutoShot(nn.Module):
    """Scores each frame of a window as the LAST one of its shot.

    For the arithmetic only: `FusedAutoShot` gives the same answers in less time.
    """

    def __init__(self) -> None:
        super().__init__()
        for spec in BLOCKS:
            self.add_module(spec.name, TemporalBlock(spec))
        self.fc1_0 = LinearRelu(_FEATURES, _HIDDEN)
        self.cls_layer1 = Linear(_HIDDEN, 1)
        self.cls_layer2 = Linear(_HIDDEN, 1)
        self.frame_sim_layer = FeatureSimilarity(sum(sum(spec.outputs) for spec in BLOCKS[1::2]))
        self.color_hist_layer = ColourSimilarity()

    def block(self, spec: BlockSpec) -> TemporalBlock:
        """Return a block by its description."""
        return cast(TemporalBlock, self.get_submodule(spec.name))

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Score the frames of windows.

        Args:
            frames: uint8 [B, T, 27, 48, 3] RGB; the published network has seen T = 100 only.

        Returns:
            Logits [B, T, 1] of `one_hot` (the last frame of a shot) and of `many_hot` (any frame
            of a transition).
        """
        values = frames.permute(0, 4, 1, 2, 3).float() / 255
        means = []
        for first, second in zip(BLOCKS[::2], BLOCKS[1::2], strict=True):
            shortcut = functional.relu(self.block(first)(values))
            values = functional.relu(self.block(second)(shortcut)) + shortcut
            values = functional.avg_pool3d(values, (1, 2, 2))
            means.append(values.mean((3, 4)).transpose(1, 2))
        features = values.permute(0, 2, 3, 4, 1).flatten(2)
        hidden = self.hidden(frames, torch.cat(means, 2), features)
        return self.cls_layer1(hidden), self.cls_layer2(hidden)

    def hidden(self, frames: Tensor, means: Tensor, features: Tensor) -> Tensor:
        """Join the blocks' features with the two similarity branches.

        Args:
            frames: uint8 [B, T, 27, 48, 3].
            means: float [B, T, 448], spatial means after each pair of blocks.
            features: float [B, T, 4608], the last pair's output, channels last.

        Returns:
            float [B, T, 1024].
        """
        joined = [self.color_hist_layer(frames), self.frame_sim_layer(means), features]
        return self.fc1_0(torch.cat(joined, 2))
