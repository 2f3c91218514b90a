"""Regions on the grid of a model's latents or of an encoder's blocks."""

from collections.abc import Sequence

from clipmill.canvas.placement import Box


def aligned(box: Sequence[int], size: tuple[int, int], *, align: int) -> Box | None:
    """Move the sides of a region inward to multiples; sides on the picture's border stay.

    The result lies in the region, so an object outside of the region is outside of it too.

    Args:
        box: x0, y0, x1, y1, half-open.
        size: (width, height) of the picture.
        align: Pixels.

    Returns:
        The region; None when nothing is left.
    """
    width, height = size
    x0, y0 = (-(-side // align) * align for side in box[:2])
    x1, y1 = (
        side if side == end else side // align * align
        for side, end in zip(box[2:], (width, height), strict=True)
    )
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None
