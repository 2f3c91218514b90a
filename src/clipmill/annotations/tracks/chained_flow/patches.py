"""What points look like at their anchor, and where they look so again.

Likeness is the normalised cross-correlation of a patch of 15 x 15 pixels, after the turn and
scale that the thing has made since the anchor.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from clipmill.annotations.tracks.arrays import Floats, Gray

RADIUS = 7
_SIDE = np.arange(-RADIUS, RADIUS + 1, dtype=np.float32)
_OFFSETS = np.stack(np.meshgrid(_SIDE, _SIDE), axis=-1)
_FLAT = 3.0  # standard deviation in grey levels below which a patch tells nothing


@dataclass(frozen=True)
class Templates:
    """Pictures about points at the anchor.

    Attributes:
        anchor: uint8 [H, W], the anchor frame.
        points: float [N, 2], x, y in it.
    """

    anchor: Gray
    points: Floats

    def turned(self, number: int, linear: Floats) -> Gray:
        """Return the patch of a point as it looks after a linear map, uint8 [15, 15].

        Args:
            number: The point.
            linear: float [2, 2], from the anchor's frame to the current one.
        """
        steps = _OFFSETS @ np.linalg.inv(linear).T.astype(np.float32)
        at = (self.points[number].astype(np.float32) + steps).astype(np.float32)
        return np.asarray(
            cv2.remap(self.anchor, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        )


def find_patch(
    gray: Gray, patch: Gray, near: Floats, *, reach: int
) -> tuple[tuple[float, float], float]:
    """Search for a patch about a place.

    Args:
        gray: uint8 [H, W], the frame.
        patch: uint8 [15, 15].
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
    if patch.std() < _FLAT or min(view.shape) < side:
        return (float(near[0]), float(near[1])), -1.0
    scores = cv2.matchTemplate(view, patch, cv2.TM_CCOEFF_NORMED)
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
