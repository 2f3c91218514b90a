"""From source pixels to the pixels of a sample: scaling and cropping, tracks included."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Placement:
    """Scale the whole frame to (scaled_width, scaled_height), then cut the target out of it.

    Attributes:
        source: (width, height) of the video, pixels.
        scaled: (width, height) after scaling.
        target: (width, height) of the sample.
        offset: (x, y) of the target's top left pixel in the scaled frame.
    """

    source: tuple[int, int]
    scaled: tuple[int, int]
    target: tuple[int, int]
    offset: tuple[int, int] = (0, 0)

    @classmethod
    def stretched(cls, source: tuple[int, int], target: tuple[int, int]) -> "Placement":
        """Return the placement that scales each side to the target by itself."""
        return cls(source, target, target)

    @classmethod
    def cropped(
        cls,
        source: tuple[int, int],
        target: tuple[int, int],
        *,
        centre: tuple[float, float] | None = None,
    ) -> "Placement":
        """Return the placement that covers the target and keeps the aspect ratio.

        Args:
            source: (width, height).
            target: (width, height).
            centre: x, y in source pixels to have in the middle, as far as the frame reaches;
                the middle of the frame when None.
        """
        scale = max(target[0] / source[0], target[1] / source[1])
        scaled = tuple(max(t, round(s * scale)) for s, t in zip(source, target, strict=True))
        middle = centre or (source[0] / 2, source[1] / 2)
        offset = tuple(
            int(np.clip(round(m * big / s - t / 2), 0, big - t))
            for m, s, big, t in zip(middle, source, scaled, target, strict=True)
        )
        return cls(source, (scaled[0], scaled[1]), target, (offset[0], offset[1]))

    def points(self, points: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Move points [..., 2] (x, y, pixel centres at whole numbers) from source to target."""
        scale = np.divide(self.scaled, self.source)
        return ((points + 0.5) * scale - 0.5 - self.offset).astype(np.float32)

    def box(self, box: tuple[float, ...]) -> Box:
        """Move a half-open box from source to target, cut to the target, at least 1x1 px."""
        ends = np.array(box, float).reshape(2, 2) * np.divide(self.scaled, self.source)
        low, high = np.rint(ends - self.offset).astype(int)
        low = np.clip(low, 0, np.subtract(self.target, 1))
        high = np.clip(high, low + 1, self.target)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def crop(self, image: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Cut the target out of a scaled frame [h, w, ...]; a view."""
        (x, y), (width, height) = self.offset, self.target
        return image[y : y + height, x : x + width]

    @property
    def is_whole(self) -> bool:
        """Whether the picture is the frame itself: nothing is scaled or cut."""
        return self.source == self.scaled == self.target

    def window(self) -> tuple[float, float, float, float]:
        """Return what of the frame is in the picture: x0, y0, x1, y1 as shares in [0, 1]."""
        (x, y), (width, height) = self.offset, self.target
        across, down = self.scaled
        return x / across, y / down, (x + width) / across, (y + height) / down
