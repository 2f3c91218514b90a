"""Sizes in which frames are asked for."""

from dataclasses import dataclass

PIXEL_FORMATS = ("rgb24", "gray")


@dataclass(frozen=True, slots=True)
class FrameSize:
    """Size and layout of delivered frames.

    Attributes:
        width: Pixels, x to the right.
        height: Pixels, y down.
        pixel_format: `rgb24` for uint8 [H, W, 3], `gray` for uint8 [H, W] (luma, 0..255).
    """

    width: int
    height: int
    pixel_format: str = "rgb24"

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a frame needs at least one pixel, got {self.width}x{self.height}")
        if self.pixel_format not in PIXEL_FORMATS:
            raise ValueError(
                f"pixel_format must be one of {PIXEL_FORMATS}, not {self.pixel_format!r}"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one frame as an array."""
        plane = (self.height, self.width)
        return plane if self.pixel_format == "gray" else (*plane, 3)


def fit_within(width: int, height: int, *, long_side: int, multiple: int = 2) -> tuple[int, int]:
    """Return (width, height) scaled down so that the longer side is at most `long_side`.

    The aspect ratio is kept up to rounding each side to the nearest multiple; nothing is ever
    scaled up. A picture that fits already keeps its size, rounded down to the multiple.

    Args:
        width: Source pixels.
        height: Source pixels.
        long_side: Upper bound of the longer side, in pixels.
        multiple: Both results are multiples of it (at least one multiple).

    Raises:
        ValueError: A size is not positive, or `long_side` is below `multiple`.
    """
    if min(width, height, long_side, multiple) < 1 or long_side < multiple:
        raise ValueError(
            f"cannot fit {width}x{height} within {long_side} in steps of {multiple} pixels"
        )
    scale = min(1.0, long_side / max(width, height))

    def snap(side: int) -> int:
        limit = min(side, long_side) // multiple * multiple
        return max(multiple, min(limit, round(side * scale / multiple) * multiple))

    return snap(width), snap(height)
