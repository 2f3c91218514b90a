"""The six blocks that the architecture search chose, as published."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class BlockSpec:
    """One block of the searched architecture.

    Attributes:
        name: Its name in the checkpoint: place and number of the chosen candidate.
        inputs: Channels in.
        spatial: Channels between the spatial and the temporal convolutions.
        outputs: Channels out of each temporal convolution; number n has dilation 2**n.
        shared: Whether all temporal convolutions read one spatial convolution.
    """

    name: str
    inputs: int
    spatial: int
    outputs: tuple[int, ...]
    shared: bool


BLOCKS = (
    BlockSpec("Layer_0_3", 3, 16, (16, 16, 16, 16), shared=False),
    BlockSpec("Layer_1_8", 64, 64, (12, 12, 12, 12, 16), shared=True),
    BlockSpec("Layer_2_8", 64, 128, (25, 25, 25, 25, 28), shared=True),
    BlockSpec("Layer_3_8", 128, 128, (25, 25, 25, 25, 28), shared=True),
    BlockSpec("Layer_4_13", 128, 192, (51, 51, 51, 51, 52), shared=False),
    BlockSpec("Layer_5_12", 256, 128, (51, 51, 51, 51, 52), shared=False),
)
"""Used in pairs: the sum of both answers of a pair is halved in height and width."""


class Branch(nn.Module):
    """A temporal convolution, behind a spatial one of its own where none is shared."""

    def __init__(self, spec: BlockSpec, number: int) -> None:
        super().__init__()
        temporal = _temporal(spec.spatial, spec.outputs[number], dilation=2**number)
        own = () if spec.shared else (_spatial(spec.inputs, spec.spatial),)
        self.layers = nn.Sequential(*own, temporal)

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, C, T, H, W] to the branch's share of the block's channels."""
        return self.layers(values)


class TemporalBlock(nn.Module):
    """Parallel temporal convolutions, joined and normalised."""

    def __init__(self, spec: BlockSpec) -> None:
        super().__init__()
        self.shared = spec.shared
        if spec.shared:
            self.share = _spatial(spec.inputs, spec.spatial)
        self.conv_blocks = nn.ModuleList(Branch(spec, n) for n in range(len(spec.outputs)))
        self.batch_norm = nn.BatchNorm3d(sum(spec.outputs), eps=1e-3)

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, C, T, H, W] to the block's channels, before any activation."""
        if self.shared:
            values = self.share(values)
        joined = torch.cat([branch(values) for branch in self.conv_blocks], dim=1)
        return self.batch_norm(joined)


def _spatial(inputs: int, outputs: int) -> nn.Conv3d:
    return nn.Conv3d(inputs, outputs, (1, 3, 3), padding=(0, 1, 1), bias=False)


def _temporal(inputs: int, outputs: int, *, dilation: int) -> nn.Conv3d:
    return nn.Conv3d(
        inputs,
        outputs,
        (3, 1, 1),
        dilation=(dilation, 1, 1),
        padding=(dilation, 0, 0),
        bias=False,
    )
