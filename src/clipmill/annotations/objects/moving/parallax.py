"""Whether a travelling camera explains the motion of a part of the picture.

What stands still moves in the picture as the camera travels, near things more than far ones; no
homography explains that, but all of it goes along epipolar lines (Longuet-Higgins 1981; Hartley and
Zisserman, Multiple View Geometry, ch. 9 and 11). So where the background shows parallax, a part
that goes along the lines of the background's fundamental matrix stands still. Two things that move
the same way before a camera that stands or only turns look alike; so there must be parallax nearly
everywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.vision.dense_flow import Flow, pixel_grid
from clipmill.vision.masks import Mask, grow

Points = npt.NDArray[np.float32]

STEP = 6
"""Working pixels between two matches."""

_APART = 7  # working pixels from the part to what is taken for background
_FEWEST_AROUND, _FEWEST = 60, 15
_TOLERANCE = 1.0  # working pixels
_LINES_EXPLAIN = 0.85  # share of the background that must go along its lines
_PLANE_EXPLAINS = 0.7  # share that a homography explains from which there is too little parallax
_STANDS, _STANDING = 0.5, 0.3  # working pixels, and the share that moves less: the camera stands
_TOLD = 0.7  # share of the frames that must show parallax
_OFF_LINES = 0.5  # share of a part beyond the tolerance from which it moves by itself


@dataclass(frozen=True)
class FlowMatches:
    """Where the flow takes the places of a grid.

    Attributes:
        at: float32 [N, 2], x, y at the anchor, working pixels.
        to: float32 [N, 2], in the other frame.
    """

    at: Points
    to: Points


def matches_of(flow: Flow) -> FlowMatches:
    """Return the trusted vectors of a flow on a grid."""
    height, width = flow.consistent.shape
    at = pixel_grid(height, width)[STEP // 2 :: STEP, STEP // 2 :: STEP].reshape(-1, 2)
    column, row = at.astype(int).T
    trusted = flow.consistent[row, column]
    return FlowMatches(at[trusted], at[trusted] + flow.vectors[row, column][trusted])


def stands_still(part: Mask, matches: Sequence[FlowMatches]) -> bool:
    """Whether a part of the picture moves as standing things do before a travelling camera.

    Args:
        part: bool [H, W].
        matches: Of the same frame with some others, far enough off to show parallax.

    Returns:
        False as well where most frames show no parallax of the background, so that nothing can be
        told: any motion would fit.
    """
    seen = [one for one in matches if part[tuple(one.at.astype(int).T[::-1])].sum() >= _FEWEST]
    shares = [share for share in (_off_lines(part, one) for one in seen) if share is not None]
    return bool(shares) and len(shares) >= _TOLD * len(seen) and max(shares) < _OFF_LINES


def _off_lines(part: Mask, matches: FlowMatches) -> float | None:
    """Return the share of a part that leaves the epipolar lines; None without parallax."""
    column, row = matches.at.astype(int).T
    inside = part[row, column]
    around = ~grow(part, _APART)[row, column]
    if around.sum() < _FEWEST_AROUND:
        return None
    first, second = matches.at[around], matches.to[around]
    if (np.linalg.norm(second - first, axis=1) < _STANDS).mean() > _STANDING:
        return None
    cv2.setRNGSeed(0)
    try:
        _, planar = cv2.findHomography(first, second, cv2.USAC_MAGSAC, _TOLERANCE)
        matrix, along = cv2.findFundamentalMat(
            first, second, cv2.USAC_MAGSAC, 0.7 * _TOLERANCE, 0.999, 2000
        )
    except cv2.error:
        # OpenCV asserts where no sample of the matches gives a model.
        return None
    if planar is None or matrix is None or matrix.shape != (3, 3):
        return None
    if along.mean() < _LINES_EXPLAIN or planar.mean() > _PLANE_EXPLAINS:
        return None
    return float((_distance(matrix, matches.at[inside], matches.to[inside]) > _TOLERANCE).mean())


def _distance(
    matrix: npt.NDArray[np.floating], first: Points, second: Points
) -> npt.NDArray[np.float64]:
    """Return the Sampson distance of matches to their epipolar lines, working pixels [N]."""
    ones = np.ones((len(first), 1))
    a, b = np.hstack([first, ones]), np.hstack([second, ones])
    ahead, back = a @ matrix.T, b @ matrix
    length = np.sqrt((ahead[:, :2] ** 2).sum(axis=1) + (back[:, :2] ** 2).sum(axis=1))
    return np.asarray(np.abs((b * ahead).sum(axis=1)) / np.maximum(length, 1e-9), np.float64)
