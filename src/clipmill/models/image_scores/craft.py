"""CRAFT (Baek et al., "Character Region Awareness for Text Detection", CVPR 2019): where text is.

Own definition under the names of the checkpoint that EasyOCR publishes (MIT): the library itself
imports torchvision, which has no build for every build of torch.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

# Channels of VGG-16's convolutions; 0 halves the size.
_VGG = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512)
_SLICES = ((0, 12), (12, 19), (19, 29), (29, 39))
"""Layers of VGG-16 up to each of the features that are used."""


def _vgg_layers() -> list[nn.Module]:
    layers: list[nn.Module] = []
    inputs = 3
    for outputs in _VGG:
        if not outputs:
            layers.append(nn.MaxPool2d(2))
            continue
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
        inputs = outputs
    return layers


class _Base(nn.Module):
    """VGG-16 with batch norms in slices, and two convolutions with a wide view behind it."""

    def __init__(self) -> None:
        super().__init__()
        layers = _vgg_layers()
        for number, (begin, end) in enumerate(_SLICES, start=1):
            part = nn.Sequential()
            for place in range(begin, end):
                part.add_module(str(place), layers[place])
            self.add_module(f"slice{number}", part)
        self.slice5 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1),
            nn.Conv2d(512, 1024, 3, padding=6, dilation=6),
            nn.Conv2d(1024, 1024, 1),
        )

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Map [B, 3, H, W] to features of H / 16 (twice), H / 8, H / 4 and H / 2."""
        found = []
        values = pictures
        for part in self.children():
            values = part(values)
            found.append(values)
        # The next slice begins with a ReLU, which in the published code works in place: what is
        # handed on is its output. Behind the fourth slice there is none.
        *first, fourth, last = found
        return [last, fourth, *(functional.relu(features) for features in reversed(first))]


class _Up(nn.Module):
    """Two convolutions over features of two sizes, one after the other."""

    def __init__(self, inputs: int, middle: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(inputs + middle, middle, 1),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
            nn.Conv2d(middle, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """Map features [B, inputs, h, w] and [B, middle, H, W] to [B, outputs, H, W]."""
        size = fine.shape[2:]
        if coarse.shape[2:] != size:
            coarse = functional.interpolate(coarse, size, mode="bilinear", align_corners=False)
        out: Tensor = self.conv(torch.cat([coarse, fine], dim=1))
        return out


class Craft(nn.Module):
    """Pictures in; for every second pixel, how sure it is of a letter and of a joint, out."""

    def __init__(self) -> None:
        super().__init__()
        self.basenet = _Base()
        self.upconv1 = _Up(1024, 512, 256)
        self.upconv2 = _Up(512, 256, 128)
        self.upconv3 = _Up(256, 128, 64)
        self.upconv4 = _Up(128, 64, 32)
        channels = ((32, 32, 3), (32, 32, 3), (32, 16, 3), (16, 16, 1))
        layers: list[nn.Module] = []
        for inputs, outputs, kernel in channels:
            layers += [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.ReLU()]
        self.conv_cls = nn.Sequential(*layers, nn.Conv2d(16, 2, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Map normalised pictures [B, 3, H, W], sides multiples of 32, to [B, H / 2, W / 2, 2]."""
        values, *finer = self.basenet(pictures)
        ups = (self.upconv1, self.upconv2, self.upconv3, self.upconv4)
        for up, fine in zip(ups, finer, strict=True):
            values = up(values, fine)
        maps: Tensor = self.conv_cls(values)
        return maps.permute(0, 2, 3, 1)
