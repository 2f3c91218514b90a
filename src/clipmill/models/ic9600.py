"""ICNet (Feng et al., "IC9600", TPAMI 2022): how complex a picture looks to people.

Two ResNet-18 trunks look at the picture, one at full size and cut short (detail), one at half
size and whole (context). Attributes bear the names of the published checkpoint.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipmill.models.resnet import residual_stage, stem

SIDE = 512
"""Pictures are squares of this side, in pixels; the network's attention is bound to it."""

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_GRID = SIDE // 8
"""Side of the grid on which detail and context meet."""


class SpatialLayoutAttention(nn.Module):
    """Weighs each channel by a small network that reads the channel's spatial layout.

    Args:
        side: Side of the grid that a channel is sampled at.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self._side = side
        self.linear = nn.Sequential(
            nn.Linear(side * side, 512), nn.ReLU(), nn.Linear(512, 1), nn.Sigmoid()
        )

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, C, H, W] to the same shape."""
        layout = _resize(values, self._side).flatten(2)
        return values * self.linear(layout)[..., None]


class ConvBlock(nn.Module):
    """Convolution, batch normalisation, ReLU.

    Args:
        inputs: Channels in.
        outputs: Channels out.
        kernel: Side of the convolution's kernel.
        side: Resize to this side before the ReLU. The published network resizes what goes in;
            with a 1x1 kernel all before the ReLU is linear at each place, so resizing what comes
            out is the same, on less data.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int, side: int | None = None) -> None:
        super().__init__()
        self._side = side
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, inputs, H, W] to [B, outputs, H, W], or [B, outputs, side, side]."""
        values = self.bn(self.conv(values))
        if self._side is not None:
            values = _resize(values, self._side)
        return functional.relu(values)


class MapHead(nn.Module):
    """One logistic value per place."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.to_map = nn.Sequential(nn.Conv2d(inputs, 1, 1), nn.Sigmoid())

    def forward(self, values: Tensor) -> Tensor:
        """Map [B, inputs, H, W] to [B, 1, H, W] in [0, 1]."""
        return self.to_map(values)


class ICNet(nn.Module):
    """Complexity of pictures: a score, and a map of where it comes from."""

    def __init__(self) -> None:
        super().__init__()
        self.b1_1 = nn.Sequential(*stem(), residual_stage(64, 64))
        self.b1_1_slam = SpatialLayoutAttention(32)
        self.b1_2 = residual_stage(64, 128, stride=2)
        self.b1_2_slam = SpatialLayoutAttention(32)
        self.b2_1 = nn.Sequential(*stem(), residual_stage(64, 64))
        self.b2_1_slam = SpatialLayoutAttention(32)
        self.b2_2 = residual_stage(64, 128, stride=2)
        self.b2_2_slam = SpatialLayoutAttention(32)
        self.b2_3 = residual_stage(128, 256, stride=2)
        self.b2_3_slam = SpatialLayoutAttention(16)
        self.b2_4 = residual_stage(256, 512, stride=2)
        self.b2_4_slam = SpatialLayoutAttention(8)
        self.up1 = ConvBlock(128, 256, kernel=1)
        self.up2 = ConvBlock(512, 256, kernel=1, side=_GRID)
        self.to_map_f = ConvBlock(512, 512, kernel=3)
        self.to_map_f_slam = SpatialLayoutAttention(32)
        self.to_map = MapHead(512)
        self.to_score_f = ConvBlock(512, 512, kernel=3)
        self.to_score_f_slam = SpatialLayoutAttention(32)
        self.head = nn.Sequential(nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 1), nn.Sigmoid())

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return score and map of pictures.

        Args:
            pictures: uint8 [B, 512, 512, 3] RGB.

        Returns:
            Score float [B] and map float [B, 1, 64, 64], both in [0, 1].
        """
        features = self._features(pictures)
        complexity = self.to_map(self.to_map_f_slam(self.to_map_f(features)))
        return self._score(features), complexity

    def score(self, pictures: Tensor) -> Tensor:
        """Return the scores float [B] alone: the map costs a third of the work."""
        return self._score(self._features(pictures))

    def _score(self, features: Tensor) -> Tensor:
        pooled = self.to_score_f_slam(self.to_score_f(features)).mean((2, 3))
        return self.head(pooled).squeeze(1)

    def _features(self, pictures: Tensor) -> Tensor:
        values = normalise(pictures)
        return torch.cat([self._detail(values), self._context(values)], dim=1)

    def _detail(self, values: Tensor) -> Tensor:
        values = self.b1_1_slam(self.b1_1(values))
        return self.up1(self.b1_2_slam(self.b1_2(values)))

    def _context(self, values: Tensor) -> Tensor:
        values = _resize(values, SIDE // 2)
        values = self.b2_1_slam(self.b2_1(values))
        values = self.b2_2_slam(self.b2_2(values))
        values = self.b2_3_slam(self.b2_3(values))
        values = self.b2_4_slam(self.b2_4(values))
        return self.up2(values)


def normalise(pictures: Tensor) -> Tensor:
    """Map uint8 [B, H, W, 3] RGB to float [B, 3, H, W] of ImageNet's mean and deviation."""
    mean = torch.tensor(_MEAN, device=pictures.device)[:, None, None]
    deviation = torch.tensor(_DEVIATION, device=pictures.device)[:, None, None]
    # permuted only, so the memory stays channels last, which is what convolutions like best
    return (pictures.permute(0, 3, 1, 2).float() / 255 - mean) / deviation


def _resize(values: Tensor, side: int) -> Tensor:
    return functional.interpolate(values, size=(side, side), mode="bilinear", align_corners=True)
