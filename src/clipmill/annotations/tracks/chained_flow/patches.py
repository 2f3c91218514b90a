"""What points look like at their anchor, and where they look so again.

Likeness is the normalised cross-correlation of a patch of 15 x 15 pixels, after the turn and
scale that the thing has made since the anchor; at its outline, only of what is the thing there.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from clipmill.vision.arrays import Floats, Gray
from clipmill.vision.masks import Mask

RADIUS = 7
_SIDE = np.arange(-RADIUS, RADIUS + 1, dtype=np.float32)
_OFFSETS = np.stack(np.meshgrid(_SIDE, _SIDE), axis=-1)
_FLAT = 3.0  # standard deviation in grey levels below which a patch tells nothing


_OWN = 0.4  # share of a patch that must be the thing for that alone to be compared


@dataclass(frozen=True)
class Patch:
    """What a point looks like.

    Attributes:
        picture: uint8 [15, 15].
        mask: uint8 [15, 15], 1 on the thing; None where all of it is compared.
    """

    picture: Gray
    mask: Gray | None

    @property
    def is_plain(self) -> bool:
        """Whether there is too little to tell it by."""
        own = self.picture if self.mask is None else self.picture[self.mask > 0]
        return bool(own.std() < _FLAT)


@dataclass(frozen=True)
class Templates:
    """Pictures about points at the anchor.

    Attributes:
        anchor: uint8 [H, W], the anchor frame.
        points: float [N, 2], x, y in it.
        mask: bool [H, W], the thing in it.
    """

    anchor: Gray
    points: Floats
    mask: Mask

    @cached_property
    def _own(self) -> Gray:
        """The mask as OpenCV takes it; it is asked for at every point of every frame."""
        return self.mask.astype(np.uint8)

    def turned(self, number: int, linear: Floats) -> Patch:
        """Return the patch of a point as it looks after a linear map.

        Args:
            number: The point.
            linear: float [2, 2], from the anchor's frame to the current one.
        """
        steps = _OFFSETS @ np.linalg.inv(linear).T.astype(np.float32)
        at = (self.points[number].astype(np.float32) + steps).astype(np.float32)
        picture = cv2.remap(
            self.anchor, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        own = cv2.remap(self._own, at, None, cv2.INTER_NEAREST)
        # Of thin things so little is left that the background about them tells more.
        whole = own.all() or own.mean() < _OWN
        return Patch(np.asarray(picture, np.uint8), None if whole else np.asarray(own, np.uint8))


def find_patch(
    gray: Gray, patch: Patch, near: Floats, *, reach: int
) -> tuple[tuple[float, float], float]:
    """Search for a patch about a place.

    Args:
        gray: uint8 [H, W], the frame.
        patch: What to find.
        near: x, y of the middle of the search.
        reach: Pixels to each side.

    Returns:
        x, y of the best place to a fraction of a pixel, and its correlation, [-1, 1]; -1 where
        the patch is plain or the place is out of the picture.
    """
    height, width = gray.shape
    x, y = round(float(near[0])), round(float(near[1]))
    margin = reach + RADIUS
    left, top = max(0, x - margin), max(0, y - margin)
    view = gray[top : min(height, y + margin + 1), left : min(width, x + margin + 1)]
    side = 2 * RADIUS + 1
    if patch.is_plain or min(view.shape) < side:
        return (float(near[0]), float(near[1])), -1.0
    scores = cv2.matchTemplate(view, patch.picture, cv2.TM_CCOEFF_NORMED, mask=patch.mask)
    # Where a masked view is plain, OpenCV divides by nothing.
    scores = np.where(np.isfinite(scores) & (scores <= 1.001), scores, -1).astype(np.float32)
    _, best, _, (column, row) = cv2.minMaxLoc(scores)
    at = (
        left + RADIUS + column + _peak(scores[row], column),
        top + RADIUS + row + _peak(scores[:, column], row),
    )
    return at, float(best)


def _peak(values: Floats, at: int) -> float:
    """Return where a parabola through a maximum and its neighbours peaks, [-0.5, 0.5]."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = (float(value) for value in values[at - 1 : at + 2])
    bend = before - 2 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < -1e-9 else 0.0
