"""How alike the frames of a window are: the two side branches of the TransNet V2 family.

Soucek and Lokoc, "TransNet V2", 2020. Each frame is compared with the 50 frames on either side;
a boundary shows as a step in these similarities.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipmill.models.autoshot.layers import Linear, LinearRelu

REACH = 50
"""Frames on either side that a frame is compared with; a row has 2 * REACH + 1 values."""

COLOURS = 512
"""Bins of the colour histogram: 3 bits each of red, green and blue."""


def neighbour_similarity(features: Tensor) -> Tensor:
    """Compare each frame with its neighbours by the cosine of their features.

    Args:
        features: float [B, T, C].

    Returns:
        float [B, T, 101]; column j compares frame t with frame t + j - 50, and is 0 where that
        frame lies outside of the window.
    """
    unit = functional.normalize(features, dim=2)
    table = functional.pad(unit @ unit.transpose(1, 2), (REACH, REACH))
    batch, length = features.shape[:2]
    # Row t begins at column t: a view with a stride of one row and one column.
    rows, columns = table.stride(1), table.stride(2)
    return table.as_strided(
        (batch, length, 2 * REACH + 1), (table.stride(0), rows + columns, columns)
    )


def colour_histograms(frames: Tensor) -> Tensor:
    """Count the colours of each frame.

    Args:
        frames: uint8 [B, T, H, W, 3] RGB.

    Returns:
        float32 [B, T, 512], pixels of each colour.
    """
    batch, length = frames.shape[:2]
    high = (frames >> 5).to(torch.int64)
    colour = (high[..., 0] << 6) + (high[..., 1] << 3) + high[..., 2]
    colour = colour.reshape(batch * length, -1)
    counts = torch.zeros(batch * length, COLOURS, device=frames.device)
    counts.scatter_add_(1, colour, torch.ones_like(colour, dtype=counts.dtype))
    return counts.reshape(batch, length, COLOURS)


class ColourSimilarity(nn.Module):
    """Similarity of colour histograms, uint8 [B, T, H, W, 3] -> [B, T, 128]."""

    def __init__(self, *, outputs: int = 128) -> None:
        super().__init__()
        self.fc = LinearRelu(2 * REACH + 1, outputs)

    def forward(self, frames: Tensor) -> Tensor:
        """Map frames to features."""
        return self.fc(neighbour_similarity(colour_histograms(frames)))


class FeatureSimilarity(nn.Module):
    """Similarity of learned features, [B, T, C] -> [B, T, 128]."""

    def __init__(self, inputs: int, *, outputs: int = 128) -> None:
        super().__init__()
        self.projection = Linear(inputs, outputs)
        self.fc = LinearRelu(2 * REACH + 1, outputs)

    def forward(self, means: Tensor) -> Tensor:
        """Map the spatial means of the blocks to features."""
        return self.fc(neighbour_similarity(self.projection(means)))
