"""Sizes and scaling of the network's input."""

from torch import Tensor
from torch.nn import functional

from clipmill.models.vggt4track.config import PATCH, WIDTH


def input_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height (before `crop_rows`) that frames of a video are resized to.

    The width is always 518; the height follows the aspect ratio up to rounding to patches (half
    a patch goes to the even number of them), and is one patch at least.
    """
    return WIDTH, max(1, round(height * (WIDTH / width) / PATCH)) * PATCH


def crop_rows(height: int) -> slice:
    """Return the rows kept of a resized frame: the middle 518 where there are more."""
    first = max(0, (height - WIDTH) // 2)
    return slice(first, first + min(height, WIDTH))


def resize(frames: Tensor) -> Tensor:
    """Resize and crop frames as the published pipeline does: bicubic, not antialiased.

    Args:
        frames: [N, 3, H, W], uint8 (the result is rounded and clamped) or float.

    Returns:
        [N, 3, H', 518] of the same dtype; H' a multiple of 14, 518 at most.
    """
    width, height = input_size(frames.shape[-1], frames.shape[-2])
    if (width, height) != (frames.shape[-1], frames.shape[-2]):
        frames = functional.interpolate(
            frames, size=(height, width), mode="bicubic", align_corners=False
        )
    return frames[..., crop_rows(height), :]
