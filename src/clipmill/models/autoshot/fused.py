"""AutoShot rearranged for speed; the same answers up to rounding.

A convolution over time or over space alone is a 2-D convolution of a view, so with channels last
no data is moved between the two, and 2-D kernels are faster than 3-D ones everywhere. Batch
normalisation is folded into the temporal weights, and the unused `many_hot` is left out.

On a CPU windows go through one after the other, and the first and largest pair of blocks in strips
of rows: tensors of one window and more leave the caches, and so large that the system takes their
memory back after every use, which costs more than a larger batch gains.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipmill.models.autoshot.blocks import BLOCKS, BlockSpec, Branch, TemporalBlock
from clipmill.models.autoshot.network import AutoShot
from clipmill.models.autoshot.strips import pair
from clipmill.models.autoshot.views import channels_last, over_space

_STRIPS_ON_CPU = 4
"""Parts of the picture that the first pair of blocks sees one after the other."""


class FusedAutoShot(nn.Module):
    """Scores each frame of a window as the LAST one of its shot.

    Args:
        network: The loaded network, in evaluation mode.
    """

    def __init__(self, network: AutoShot) -> None:
        super().__init__()
        self._tail = network
        self.blocks = nn.ModuleList(fuse(network.block(spec), spec) for spec in BLOCKS)

    def forward(self, frames: Tensor) -> Tensor:
        """Map windows uint8 [B, T, 27, 48, 3] RGB to logits float [B, T]."""
        if frames.device.type != "cpu":
            return self._together(frames, strips=1)
        return torch.cat([self._together(one, strips=_STRIPS_ON_CPU) for one in frames.split(1)])

    def _together(self, frames: Tensor, *, strips: int) -> Tensor:
        batch, length = frames.shape[:2]
        values = frames.float().div_(255)
        means = []
        for number in range(0, len(self.blocks), 2):
            first, second = self.blocks[number], self.blocks[number + 1]
            values = pair(first, second, values, strips=1 if number else strips)
            means.append(values.mean((2, 3)))
        features = values.reshape(batch, length, -1)
        hidden = self._tail.hidden(frames, torch.cat(means, 2), features)
        return self._tail.cls_layer1(hidden).squeeze(2)


def fuse(block: TemporalBlock, spec: BlockSpec) -> nn.Module:
    """Return a block with its activation, [B, T, H, W, C] in and out, as what is less work.

    Called with `framed=True`, a block takes the first and the last row as the surroundings of
    those between, and answers for these only.

    Nothing stands between a branch's two convolutions, so one of 3x3x3 can take their place. It
    costs less where the branch is narrow and the layer between is wide.
    """
    apart = spec.spatial * (9 * spec.inputs + 3 * spec.outputs[0])
    if not spec.shared and 27 * spec.inputs * spec.outputs[0] < apart:
        return ComposedBlock(block)
    return FactorisedBlock(block)


class FactorisedBlock(nn.Module):
    """A block whose convolutions stay apart."""

    def __init__(self, block: TemporalBlock) -> None:
        super().__init__()
        self._shared = block.shared
        self._branches = len(block.conv_blocks)
        if block.shared:
            self.register_buffer("share", _flat(block.share.weight[:, :, 0]))
        for number, (temporal, bias, spatial) in enumerate(_folded(block)):
            self.register_buffer(f"temporal{number}", _flat(temporal))
            self.register_buffer(f"bias{number}", bias.clone())
            if spatial is not None:
                self.register_buffer(f"spatial{number}", _flat(spatial))

    def forward(self, values: Tensor, *, framed: bool = False) -> Tensor:
        """Map [B, T, H, W, C] to [B, T, H, W, C'] (framed: H - 2), none below 0."""
        shared = None
        if self._shared:
            shared = over_space(values, self.get_buffer("share"), framed=framed)
        outputs = []
        for number in range(self._branches):
            inner = shared
            if inner is None:
                spatial = self.get_buffer(f"spatial{number}")
                inner = over_space(values, spatial, framed=framed)
            outputs.append(self._over_time(inner, number))
        return torch.cat(outputs, dim=4).relu_()

    def _over_time(self, values: Tensor, number: int) -> Tensor:
        batch, length, height, width, channels = values.shape
        out = functional.conv2d(
            channels_last(values, batch, length, height * width, channels),
            self.get_buffer(f"temporal{number}"),
            self.get_buffer(f"bias{number}"),
            padding=(2**number, 0),
            dilation=(2**number, 1),
        )
        return out.permute(0, 2, 3, 1).reshape(batch, length, height, width, -1)


class ComposedBlock(nn.Module):
    """A block as one spatial convolution whose outputs are shifted in time and added up."""

    def __init__(self, block: TemporalBlock) -> None:
        super().__init__()
        taps: list[Tensor] = []
        biases: list[Tensor] = []
        for temporal, bias, spatial in _folded(block):
            assert spatial is not None
            taps.append(torch.einsum("omk,mchw->kochw", temporal[..., 0], spatial))
            biases.append(bias)
        self._widths = [len(bias) for bias in biases]
        self.register_buffer("weight", _flat(torch.cat(taps, 1).flatten(0, 1)))
        none = torch.zeros(sum(self._widths))
        self.register_buffer("bias", torch.cat([none, *biases, none]))

    def forward(self, values: Tensor, *, framed: bool = False) -> Tensor:
        """Map [B, T, H, W, C] to [B, T, H, W, C'] (framed: H - 2), none below 0."""
        weight, bias = self.get_buffer("weight"), self.get_buffer("bias")
        answers = over_space(values, weight, bias, framed=framed)
        before, here, after = answers.chunk(3, dim=4)
        total = here.clone(memory_format=torch.contiguous_format)
        at = 0
        for number, width in enumerate(self._widths):
            shift, part = 2**number, slice(at, at + width)
            total[:, shift:, ..., part] += before[:, :-shift, ..., part]
            total[:, :-shift, ..., part] += after[:, shift:, ..., part]
            at += width
        return total.relu_()


def _folded(block: TemporalBlock) -> list[tuple[Tensor, Tensor, Tensor | None]]:
    """Return of each branch its temporal weight, bias and, unless shared, spatial weight.

    The batch normalisation is in the temporal weight [O, M, 3, 1] and the bias [O]; the spatial
    weight is [M, C, 3, 3].
    """
    norm = block.batch_norm
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
    shift = (norm.bias - norm.running_mean * scale).detach()
    found, at = [], 0
    for branch in block.conv_blocks:
        layers = cast(Branch, branch).layers
        temporal = cast(Tensor, layers[-1].weight).detach()[..., 0]
        part = slice(at, at + len(temporal))
        at = part.stop
        spatial = None if block.shared else cast(Tensor, layers[0].weight).detach()[:, :, 0]
        found.append((temporal * scale[part, None, None, None], shift[part], spatial))
    return found


def _flat(weight: Tensor) -> Tensor:
    return weight.detach().clone(memory_format=torch.channels_last)
