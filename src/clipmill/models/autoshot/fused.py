"""AutoShot rearranged for speed; the same answers up to rounding.

A convolution over time or over space alone is a 2-D convolution of a view, so with channels last
no data is moved between the two, and 2-D kernels are faster than 3-D ones everywhere. Batch
normalisation is folded into the temporal weights, and the unused `many_hot` is left out.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipmill.models.autoshot.blocks import BLOCKS, Block, Branch
from clipmill.models.autoshot.network import AutoShot


class FusedAutoShot(nn.Module):
    """Scores each frame of a window as the LAST one of its shot.

    Args:
        network: The loaded network, in evaluation mode.
    """

    def __init__(self, network: AutoShot) -> None:
        super().__init__()
        self._tail = network
        self.blocks = nn.ModuleList(FusedBlock(network.block(spec)) for spec in BLOCKS)

    def forward(self, frames: Tensor) -> Tensor:
        """Map windows uint8 [B, T, 27, 48, 3] RGB to logits float [B, T]."""
        batch, length = frames.shape[:2]
        values = frames.float().div_(255)
        means = []
        for first, second in zip(self.blocks[::2], self.blocks[1::2], strict=True):
            shortcut = first(values)
            values = _halve(second(shortcut).add_(shortcut))
            means.append(values.mean((2, 3)))
        features = values.reshape(batch, length, -1)
        hidden = self._tail.hidden(frames, torch.cat(means, 2), features)
        return self._tail.cls_layer1(hidden).squeeze(2)


class FusedBlock(nn.Module):
    """A block with its activation; [B, T, H, W, C] in and out."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        norm = block.batch_norm
        assert norm.running_var is not None
        assert norm.running_mean is not None
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        shift = norm.bias - norm.running_mean * scale
        self._branches = len(block.conv_blocks)
        if block.shared:
            self.register_buffer("share", _flat(block.share.weight[:, :, 0]))
        self._shared = block.shared
        at = 0
        for number, branch in enumerate(block.conv_blocks):
            layers = cast(Branch, branch).layers
            weight = cast(Tensor, layers[-1].weight)[..., 0]
            part = slice(at, at + len(weight))
            at = part.stop
            self.register_buffer(f"temporal{number}", _flat(weight * scale[part, None, None, None]))
            self.register_buffer(f"bias{number}", shift[part].detach().clone())
            if not block.shared:
                own = cast(Tensor, layers[0].weight)
                self.register_buffer(f"spatial{number}", _flat(own[:, :, 0]))

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, T, H, W, C] to [B, T, H, W, C'], none below 0."""
        shared = self._over_space(values, "share") if self._shared else None
        outputs = []
        for number in range(self._branches):
            inner = shared
            if inner is None:
                inner = self._over_space(values, f"spatial{number}")
            outputs.append(self._over_time(inner, number))
        return torch.cat(outputs, dim=4).relu_()

    def _over_space(self, values: Tensor, name: str) -> Tensor:
        batch, length, height, width, channels = values.shape
        frames = _channels_last(values, batch * length, height, width, channels)
        out = functional.conv2d(frames, self.get_buffer(name), padding=1)
        return out.permute(0, 2, 3, 1).reshape(batch, length, height, width, -1)

    def _over_time(self, values: Tensor, number: int) -> Tensor:
        batch, length, height, width, channels = values.shape
        rows = _channels_last(values, batch, length, height * width, channels)
        out = functional.conv2d(
            rows,
            self.get_buffer(f"temporal{number}"),
            self.get_buffer(f"bias{number}"),
            padding=(2**number, 0),
            dilation=(2**number, 1),
        )
        return out.permute(0, 2, 3, 1).reshape(batch, length, height, width, -1)


def _flat(weight: Tensor) -> Tensor:
    return weight.detach().clone(memory_format=torch.channels_last)


def _channels_last(values: Tensor, batch: int, height: int, width: int, channels: int) -> Tensor:
    """View contiguous data as [B, C, H, W].

    The strides are spelt out, since those of a dimension of size 1 are arbitrary otherwise, and
    oneDNN then falls back on a layout that is three times slower.
    """
    return values.contiguous().as_strided(
        (batch, channels, height, width), (height * width * channels, 1, width * channels, channels)
    )


def _halve(values: Tensor) -> Tensor:
    """Average 2 x 2 places of [B, T, H, W, C]; an odd last row or column is left out."""
    batch, length, height, width, channels = values.shape
    frames = _channels_last(values, batch * length, height, width, channels)
    out = functional.avg_pool2d(frames, 2)
    return out.permute(0, 2, 3, 1).reshape(batch, length, height // 2, width // 2, channels)
