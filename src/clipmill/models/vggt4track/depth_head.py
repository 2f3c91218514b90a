"""From tokens to dense depth: a dense prediction transformer's head.

Ranftl et al., "Vision transformers for dense prediction", ICCV 2021, as VGGT (Wang et al., 2025)
uses it: tokens of four layers become maps of four resolutions, which are merged from coarse to
fine. Attributes bear the names of the published checkpoint.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipmill.models.vggt4track.config import DepthConfig

_FRAMES_AT_ONCE = 8
_HIDDEN = 32  # channels before the last layer
_PLACE_SHARE = 0.1  # weight of the position embedding beside the features
_PLACE_BASE = 100.0


class Residual(nn.Module):
    """Two convolutions, each behind a ReLU, added to the rectified input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, values: Tensor) -> Tensor:
        """Map [N, C, h, w] to the same shape."""
        values = values.relu()
        return values + self.conv2(self.conv1(values).relu())


class Fusion(nn.Module):
    """Adds a finer map to what came from below, and enlarges the sum."""

    def __init__(self, channels: int, *, joins: bool) -> None:
        """Build the block.

        Args:
            channels: Of both maps.
            joins: Whether there is a finer map; not for the coarsest block.
        """
        super().__init__()
        self.out_conv = nn.Conv2d(channels, channels, 1)
        if joins:
            self.resConfUnit1 = Residual(channels)
        self.resConfUnit2 = Residual(channels)

    def forward(self, below: Tensor, finer: Tensor | None, size: tuple[int, int]) -> Tensor:
        """Map [N, C, h, w] (and the finer map, of the same shape) to [N, C, *size]."""
        if finer is not None:
            below = below + self.resConfUnit1(finer)
        return self.out_conv(_scaled(self.resConfUnit2(below), size))


class Scratch(nn.Module):
    """The part that merges the four maps; a name of the checkpoint format."""

    def __init__(self, config: DepthConfig) -> None:
        super().__init__()
        width = config.features
        for number, channels in enumerate(config.channels, start=1):
            conv = nn.Conv2d(channels, width, 3, padding=1, bias=False)
            self.add_module(f"layer{number}_rn", conv)
            self.add_module(f"refinenet{number}", Fusion(width, joins=number < 4))
        self.output_conv1 = nn.Conv2d(width, width // 2, 3, padding=1)
        self.output_conv2 = nn.Sequential(
            nn.Conv2d(width // 2, _HIDDEN, 3, padding=1), nn.ReLU(), nn.Conv2d(_HIDDEN, 2, 1)
        )

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Merge maps of falling resolution into one of twice the first's: [N, F / 2, h, w]."""
        even = [self.get_submodule(f"layer{n}_rn")(m) for n, m in enumerate(maps, start=1)]
        sizes = [_size(even[0], times=2), *(_size(m) for m in even)]
        merged = self.get_submodule("refinenet4")(even[3], None, sizes[3])
        for number in (3, 2, 1):
            block = self.get_submodule(f"refinenet{number}")
            merged = block(merged, even[number - 1], sizes[number - 1])
        return self.output_conv1(merged)


class DepthHead(nn.Module):
    """Predicts the depth of every pixel, and how uncertain it is."""

    def __init__(self, config: DepthConfig, *, width: int) -> None:
        """Build the head.

        Args:
            config: Sizes.
            width: Channels of a token, those of a frame block and a global block together.
        """
        super().__init__()
        first, second, _, fourth = config.channels
        self.norm = nn.LayerNorm(width)
        self.projects = nn.ModuleList(nn.Conv2d(width, own, 1) for own in config.channels)
        self.resize_layers = nn.ModuleList(
            [
                nn.ConvTranspose2d(first, first, 4, stride=4),
                nn.ConvTranspose2d(second, second, 2, stride=2),
                nn.Identity(),
                nn.Conv2d(fourth, fourth, 3, stride=2, padding=1),
            ]
        )
        self.scratch = Scratch(config)

    def forward(self, layers: Sequence[Tensor], *, rows: int, patch: int) -> tuple[Tensor, Tensor]:
        """Estimate depth.

        Args:
            layers: Patch tokens of four layers, float [B, T, rows * columns, width] each.
            rows: Rows of patches.
            patch: Side of a patch, pixels.

        Returns:
            Depth along the optical axis, in the unit of the translations, and its uncertainty in
            (0, 1), float [B, T, H, W] each.
        """
        shape = layers[0].shape[:2]
        flat = [layer.flatten(0, 1) for layer in layers]
        count = len(flat[0])
        parts = [
            self._some([layer[n : n + _FRAMES_AT_ONCE] for layer in flat], rows=rows, patch=patch)
            for n in range(0, count, _FRAMES_AT_ONCE)
        ]
        raw = torch.cat(parts).unflatten(0, shape)
        return raw[:, :, 0].exp(), raw[:, :, 1].sigmoid()

    def _some(self, layers: Sequence[Tensor], *, rows: int, patch: int) -> Tensor:
        """Map tokens [N, rows * columns, width] to [N, 2, H, W], before the activations."""
        columns = layers[0].shape[1] // rows
        aspect = columns / rows
        maps = []
        for layer, project, resize in zip(layers, self.projects, self.resize_layers, strict=True):
            grid = self.norm(layer).transpose(1, 2).unflatten(2, (rows, columns))
            maps.append(resize(_placed(project(grid), aspect)))
        merged = _scaled(self.scratch(maps), (rows * patch, columns * patch))
        return self.scratch.output_conv2(_placed(merged, aspect))


def _placed(maps: Tensor, aspect: float) -> Tensor:
    """Add to maps [N, C, h, w] where in the picture a place is; `aspect` is width by height."""
    channels, height, width = maps.shape[1:]
    diagonal = (1 + aspect * aspect) ** 0.5
    across = _centres(width, aspect / diagonal, maps.device)
    down = _centres(height, 1 / diagonal, maps.device)
    quarter = channels // 4
    powers = torch.arange(quarter, device=maps.device, dtype=torch.float64) / quarter
    waves = _PLACE_BASE**-powers
    angles_x, angles_y = across[:, None] * waves, down[:, None] * waves
    columns = torch.cat([angles_x.sin(), angles_x.cos()], dim=1).T[:, None, :]
    rows = torch.cat([angles_y.sin(), angles_y.cos()], dim=1).T[:, :, None]
    place = torch.cat([columns.expand(-1, height, -1), rows.expand(-1, -1, width)])
    return maps + _PLACE_SHARE * place.to(maps.dtype)


def _centres(count: int, half: float, device: torch.device) -> Tensor:
    """Return the middles of `count` equal parts of [-half, half], float64."""
    end = half * (count - 1) / count
    return torch.linspace(-end, end, count, device=device, dtype=torch.float64)


def _size(values: Tensor, *, times: int = 1) -> tuple[int, int]:
    return values.shape[-2] * times, values.shape[-1] * times


def _scaled(values: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(values, size=size, mode="bilinear", align_corners=True)
