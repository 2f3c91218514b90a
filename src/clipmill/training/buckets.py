"""Buckets: a few sizes and frame counts, so that samples of many shapes stack into batches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipmill.errors import UsageError

ASPECTS = ((1, 2), (9, 16), (2, 3), (3, 4), (1, 1), (4, 3), (3, 2), (16, 9), (2, 1))
"""Width to height of the sizes that `Buckets.from_pixels` makes."""


@dataclass(frozen=True)
class Buckets:
    """The shapes that samples are loaded in.

    Every sample goes to the size nearest to its video's aspect ratio, and to the largest frame
    count it is long enough for.

    Attributes:
        sizes: (width, height) in pixels.
        frame_counts: Each 4N+1; empty for `num_frames` of the options alone.

    Raises:
        UsageError: No size, a size twice, a side below 1, or a count that is not 4N+1.
    """

    sizes: tuple[tuple[int, int], ...]
    frame_counts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        sizes = tuple((int(width), int(height)) for width, height in self.sizes)
        if not sizes or len(set(sizes)) < len(sizes) or min(map(min, sizes)) < 1:
            raise UsageError(f"buckets need different sizes of at least 1x1, not {sizes}")
        counts = tuple(sorted(set(self.frame_counts)))
        if any(count % 4 != 1 or count < 1 for count in counts):
            raise UsageError(f"frame_counts must be 4N+1 (17, 49, 81, ...), not {counts}")
        object.__setattr__(self, "sizes", sizes)
        object.__setattr__(self, "frame_counts", counts)

    @classmethod
    def from_pixels(
        cls,
        pixels: int,
        *,
        multiple: int = 16,
        aspects: Sequence[tuple[int, int]] = ASPECTS,
        frame_counts: Sequence[int] = (),
    ) -> "Buckets":
        """Return sizes of about as many pixels each.

        Args:
            pixels: Upper bound of width x height, e.g. 1280 * 720.
            multiple: Both sides are multiples of this.
            aspects: Width to height of each size; several may give the same one.
            frame_counts: See the class.

        Raises:
            UsageError: The pixels do not suffice for one multiple each way.
        """
        sizes = dict.fromkeys(_size(pixels, multiple, w / h) for w, h in aspects)
        return cls(tuple(sizes), tuple(frame_counts))

    def nearest(
        self, width: npt.NDArray[np.int32], height: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.int64]:
        """Return the number of the size nearest in aspect ratio, for each of n videos.

        Ratios are compared by their logarithm, so 2:1 is as far from 1:1 as 1:2. Of sizes with
        the same ratio the largest is taken that the video has the pixels for, else the smallest.
        """
        ratios = np.log([w / h for w, h in self.sizes])
        areas = np.array([w * h for w, h in self.sizes])
        off = np.abs(np.log(width / height)[:, None] - ratios)
        near = off <= off.min(axis=1, keepdims=True) + 1e-3
        fits = areas <= (width.astype(np.int64) * height)[:, None]
        # The wanted size has the greatest rank: large ones that fit, then small ones that do not.
        rank = np.where(fits, areas, -areas)
        return np.argmax(np.where(near, rank.astype(float), -np.inf), axis=1)

    def longest(self, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the largest frame count up to each of n counts; 0 where there is none."""
        known = np.array([0, *self.frame_counts])
        return known[np.searchsorted(known, counts, side="right") - 1]


def _size(pixels: int, multiple: int, ratio: float) -> tuple[int, int]:
    """Return the size within a budget of pixels that comes nearest to a ratio and the budget."""
    if ratio < 1:
        width, height = _size(pixels, multiple, 1 / ratio)
        return height, width
    best = None
    for width in range(multiple, pixels // multiple + 1, multiple):
        height = min(round(width / ratio / multiple), pixels // width // multiple) * multiple
        if height < multiple:
            continue
        off = 2 * abs(np.log(width / height / ratio)) + abs(np.log(width * height / pixels))
        if best is None or off < best[0]:
            best = off, (width, height)
    if best is None:
        raise UsageError(f"{pixels} pixels do not hold {multiple}x{multiple}")
    return best[1]
