"""Inception-ResNet-v2 (Szegedy et al., 2017) as far as its last features, with timm's names.

Own definition: timm imports torchvision, which has no build for every build of torch.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_EPS = 0.001

Shape = int | tuple[int, int]


class ConvNorm(nn.Module):
    """Convolution, normalisation, ReLU.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the output.
        kernel: Its height and width.
        stride: By how much it shrinks.
        padding: Zeros around.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: Shape, *, stride: int = 1, padding: Shape = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=_EPS)

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, inputs, H, W] to [B, outputs, H', W']."""
        return functional.relu(self.bn(self.conv(values)))


class Branches(nn.Module):
    """Branches side by side, their channels one after the other.

    Args:
        branches: `branch0`, `branch1` and so on.
    """

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for number, branch in enumerate(branches):
            self.add_module(f"branch{number}", branch)

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, C, H, W] to [B, channels of all branches, H', W']."""
        return torch.cat([branch(values) for _, branch in self._branches()], 1)

    def _branches(self) -> Sequence[tuple[str, nn.Module]]:
        return [named for named in self.named_children() if named[0].startswith("branch")]


class Residual(Branches):
    """Branches, mixed and scaled, beside a shortcut.

    Args:
        channels: Of input and output.
        inside: Of all branches.
        scale: Factor of what is added to the shortcut.
        branches: See `Branches`.
        relu: Whether a ReLU follows.
    """

    def __init__(
        self, channels: int, inside: int, scale: float, *branches: nn.Module, relu: bool = True
    ) -> None:
        super().__init__(*branches)
        self.conv2d = nn.Conv2d(inside, channels, 1)
        self._scale, self._relu = scale, relu

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, channels, H, W] to the same shape."""
        mixed: Tensor = self.conv2d(super().forward(values)) * self._scale + values
        return functional.relu(mixed) if self._relu else mixed


def _block35() -> Residual:
    return Residual(
        320, 128, 0.17,
        ConvNorm(320, 32, 1),
        nn.Sequential(ConvNorm(320, 32, 1), ConvNorm(32, 32, 3, padding=1)),
        nn.Sequential(
            ConvNorm(320, 32, 1), ConvNorm(32, 48, 3, padding=1), ConvNorm(48, 64, 3, padding=1)
        ),
    )  # fmt: skip


def _block17() -> Residual:
    return Residual(
        1088, 384, 0.10,
        ConvNorm(1088, 192, 1),
        nn.Sequential(
            ConvNorm(1088, 128, 1),
            ConvNorm(128, 160, (1, 7), padding=(0, 3)),
            ConvNorm(160, 192, (7, 1), padding=(3, 0)),
        ),
    )  # fmt: skip


def _block8(*, scale: float = 0.20, relu: bool = True) -> Residual:
    return Residual(
        2080, 448, scale,
        ConvNorm(2080, 192, 1),
        nn.Sequential(
            ConvNorm(2080, 192, 1),
            ConvNorm(192, 224, (1, 3), padding=(0, 1)),
            ConvNorm(224, 256, (3, 1), padding=(1, 0)),
        ),
        relu=relu,
    )  # fmt: skip


def _mixed_5b() -> Branches:
    return Branches(
        ConvNorm(192, 96, 1),
        nn.Sequential(ConvNorm(192, 48, 1), ConvNorm(48, 64, 5, padding=2)),
        nn.Sequential(
            ConvNorm(192, 64, 1), ConvNorm(64, 96, 3, padding=1), ConvNorm(96, 96, 3, padding=1)
        ),
        nn.Sequential(
            nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False), ConvNorm(192, 64, 1)
        ),
    )


def _mixed_6a() -> Branches:
    return Branches(
        ConvNorm(320, 384, 3, stride=2),
        nn.Sequential(
            ConvNorm(320, 256, 1), ConvNorm(256, 256, 3, padding=1), ConvNorm(256, 384, 3, stride=2)
        ),
        nn.MaxPool2d(3, stride=2),
    )


def _mixed_7a() -> Branches:
    return Branches(
        nn.Sequential(ConvNorm(1088, 256, 1), ConvNorm(256, 384, 3, stride=2)),
        nn.Sequential(ConvNorm(1088, 256, 1), ConvNorm(256, 288, 3, stride=2)),
        nn.Sequential(
            ConvNorm(1088, 256, 1),
            ConvNorm(256, 288, 3, padding=1),
            ConvNorm(288, 320, 3, stride=2),
        ),
        nn.MaxPool2d(3, stride=2),
    )


class InceptionResNet(nn.Module):
    """Pictures in, 1536 features per place out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = ConvNorm(3, 32, 3, stride=2)
        self.conv2d_2a = ConvNorm(32, 32, 3)
        self.conv2d_2b = ConvNorm(32, 64, 3, padding=1)
        self.maxpool_3a = nn.MaxPool2d(3, stride=2)
        self.conv2d_3b = ConvNorm(64, 80, 1)
        self.conv2d_4a = ConvNorm(80, 192, 3)
        self.maxpool_5a = nn.MaxPool2d(3, stride=2)
        self.mixed_5b = _mixed_5b()
        self.repeat = nn.Sequential(*(_block35() for _ in range(10)))
        self.mixed_6a = _mixed_6a()
        self.repeat_1 = nn.Sequential(*(_block17() for _ in range(20)))
        self.mixed_7a = _mixed_7a()
        self.repeat_2 = nn.Sequential(*(_block8() for _ in range(9)))
        self.block8 = _block8(scale=1.0, relu=False)
        self.conv2d_7b = ConvNorm(2080, 1536, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map pictures in [-1, 1], float32 [B, 3, H, W], to [B, 1536, about H / 32, W / 32]."""
        values = pictures
        for layer in self.children():  # in the order of their definition
            values = layer(values)
        return values
