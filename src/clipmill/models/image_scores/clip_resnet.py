"""CLIP's picture network (Radford et al., 2021), a ResNet.

Its stem has three convolutions, means take the place of strides, attention that of the last mean.
Own definition under the names of the published checkpoint. Pictures may have any size: the
attention at the end knows of no positions, as CLIP-IQA (Wang et al., 2023) leaves them out.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_EXPANSION = 4


class Bottleneck(nn.Module):
    """Three convolutions beside a shortcut; the middle one is followed by a mean where it shrinks.

    Args:
        inputs: Channels of the input.
        width: Channels inside; four times as many come out.
        stride: By how much it shrinks.
    """

    def __init__(self, inputs: int, width: int, stride: int = 1) -> None:
        super().__init__()
        outputs = _EXPANSION * width
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self._stride = stride
        self.downsample: nn.Module | None = None
        if stride > 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, inputs, H, W] to [B, 4 * width, H / stride, W / stride]."""
        inner = functional.relu(self.bn1(self.conv1(values)))
        inner = functional.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(self._shrunk(inner)))
        if self.downsample is not None:
            values = self.downsample(self._shrunk(values))
        return functional.relu(inner + values)

    def _shrunk(self, values: Tensor) -> Tensor:
        return functional.avg_pool2d(values, self._stride) if self._stride > 1 else values


class AttentionPool(nn.Module):
    """Attention over all places of a picture and their mean; what the mean gathers comes out.

    Args:
        places: Places of the pictures it was trained with; their positions are kept, not used.
        width: Channels of the input, 64 of them per head.
        outputs: Channels of the output.
    """

    def __init__(self, places: int, width: int, outputs: int) -> None:
        super().__init__()
        self.positional_embedding = nn.Parameter(torch.empty(places + 1, width))
        self.k_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.c_proj = nn.Linear(width, outputs)
        self._heads = width // 64

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, width, H, W] to [B, outputs]."""
        places = values.flatten(2).transpose(1, 2)
        places = torch.cat([places.mean(dim=1, keepdim=True), places], dim=1)
        query = self._split(self.q_proj(places[:, :1]))
        key, value = self._split(self.k_proj(places)), self._split(self.v_proj(places))
        gathered = functional.scaled_dot_product_attention(query, key, value)
        pooled: Tensor = self.c_proj(gathered.transpose(1, 2).flatten(1))
        return pooled

    def _split(self, values: Tensor) -> Tensor:
        """Map [B, places, width] to [B, heads, places, 64]."""
        return values.unflatten(2, (self._heads, -1)).transpose(1, 2)


class ClipResNet(nn.Module):
    """A picture in, a vector out that can be compared with those of texts.

    Args:
        blocks: Number of blocks in each of the four stages.
        width: Channels after the stem.
        places: Places of the pictures it was trained with, 49 for 224 pixels.
        outputs: Length of the vector.
    """

    def __init__(self, blocks: Sequence[int], width: int, places: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width // 2, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width // 2)
        self.conv2 = nn.Conv2d(width // 2, width // 2, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width // 2)
        self.conv3 = nn.Conv2d(width // 2, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.layer1 = _stage(width, width, blocks[0], stride=1)
        self.layer2 = _stage(4 * width, 2 * width, blocks[1], stride=2)
        self.layer3 = _stage(8 * width, 4 * width, blocks[2], stride=2)
        self.layer4 = _stage(16 * width, 8 * width, blocks[3], stride=2)
        self.attnpool = AttentionPool(places, 32 * width, outputs)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map normalised pictures [B, 3, H, W] to [B, outputs]."""
        values = functional.relu(self.bn1(self.conv1(pictures)))
        values = functional.relu(self.bn2(self.conv2(values)))
        values = functional.relu(self.bn3(self.conv3(values)))
        values = functional.avg_pool2d(values, 2)
        values = self.layer4(self.layer3(self.layer2(self.layer1(values))))
        pooled: Tensor = self.attnpool(values)
        return pooled


def _stage(inputs: int, width: int, blocks: int, *, stride: int) -> nn.Sequential:
    rest = (Bottleneck(_EXPANSION * width, width) for _ in range(blocks - 1))
    return nn.Sequential(Bottleneck(inputs, width, stride), *rest)
