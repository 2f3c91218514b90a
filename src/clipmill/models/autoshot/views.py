"""2-D operations on windows whose channels come last, without moving data."""

from torch import Tensor
from torch.nn import functional


def over_space(
    values: Tensor, weight: Tensor, bias: Tensor | None = None, *, framed: bool
) -> Tensor:
    """Convolve the frames of [B, T, H, W, C] with a weight [C', C, 3, 3].

    Returns:
        [B, T, H, W, C'], or H - 2 rows when framed: the first and the last row are then the
        surroundings of the others, instead of zeros.
    """
    batch, length, height, width, channels = values.shape
    frames = channels_last(values, batch * length, height, width, channels)
    out = functional.conv2d(frames, weight, bias, padding=(0 if framed else 1, 1))
    return out.permute(0, 2, 3, 1).unflatten(0, (batch, length))


def channels_last(values: Tensor, batch: int, height: int, width: int, channels: int) -> Tensor:
    """View contiguous data as [B, C, H, W].

    The strides are spelt out, since those of a dimension of size 1 are arbitrary otherwise, and
    oneDNN then falls back on a layout that is three times slower.
    """
    return values.contiguous().as_strided(
        (batch, channels, height, width), (height * width * channels, 1, width * channels, channels)
    )


def halve(values: Tensor) -> Tensor:
    """Average 2 x 2 places of [B, T, H, W, C]; an odd last row or column is left out."""
    batch, length, height, width, channels = values.shape
    frames = channels_last(values, batch * length, height, width, channels)
    out = functional.avg_pool2d(frames, 2)
    return out.permute(0, 2, 3, 1).reshape(batch, length, height // 2, width // 2, channels)
