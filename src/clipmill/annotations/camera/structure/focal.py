"""The focal length of a clip, from what its windows say of it."""

from collections.abc import Sequence

import numpy as np

from clipmill.annotations.camera.structure.system import FocalPrior
from clipmill.annotations.camera.structure.windows import Window

_LARGEST_SPREAD = 0.15
_SMALLEST_SPREAD = 0.05  # lens distortion and rolling shutter, which are not modelled
_LEAST, _MOST = 0.4, 3.0
"""Focal lengths of cameras, longer sides of the picture: views of 103 and 19 degrees. A picture
that is shifted like a sheet of paper, as in drawn films, asks for more than any of them."""


def focal_of_clip(windows: Sequence[Window], prior: FocalPrior, *, long_side: int) -> float | None:
    """Return the focal length, working pixels; None where no window tells it.

    It is the weighted median of the windows', so that one that is wrong does no harm. Windows
    that travel are asked first; where there are none, those that turn.

    Args:
        windows: Windows of the clip, adjusted with the prior.
        prior: What was expected; a prior without spread is known, and nothing is measured.
        long_side: Longer side of the frames, working pixels.
    """
    if prior.spread == 0:
        return None
    travelled = [window for window in windows if window.travelled]
    asked = [
        (window.focal, max(window.focal_spread, _SMALLEST_SPREAD))
        for window in travelled or windows
        if window.focal_spread is not None and window.focal_spread <= _LARGEST_SPREAD
    ]
    asked = [(f, s) for f, s in asked if _LEAST <= f / long_side <= _MOST]
    if not asked:
        return None
    asked.sort()
    weights = np.cumsum([spread**-2 for _, spread in asked])
    middle = int(np.searchsorted(weights, weights[-1] / 2))
    return float(asked[middle][0])
