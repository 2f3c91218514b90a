"""Where a thing came out again of which no point is seen: many points agree on one shift.

Each point's picture at the anchor is searched for all over the mask; a place that looks right by
chance agrees with no other point about how far the thing has moved.
"""

import cv2
import numpy as np

from clipmill.annotations.tracks.chained_flow.patches import Templates, find_patch
from clipmill.vision.arrays import Floats, Gray
from clipmill.vision.masks import Mask

_ALIKE = 0.8  # correlation of a match
_TOGETHER = 3.0  # working pixels by which shifts of points that agree may differ
_FEWEST = 3
_SHARE = 0.25  # of all points that must agree


def shift_since_anchor(templates: Templates, gray: Gray, mask: Mask) -> Floats | None:
    """Return how far a thing has moved since its anchor, x, y in working pixels.

    Args:
        templates: What its points look like at the anchor.
        gray: uint8 [H, W], the frame.
        mask: bool [H, W], where the thing is in it, not empty.

    Returns:
        None where too few points are found that agree: it has turned, or bends.
    """
    x, y, across, down = cv2.boundingRect(mask.astype(np.uint8))
    middle = np.array([x + across / 2, y + down / 2])
    reach = max(across, down) // 2
    shifts = []
    for number, anchor in enumerate(templates.points):
        patch = templates.turned(number, np.eye(2))
        at, likeness = find_patch(gray, patch, middle, reach=reach)
        if likeness >= _ALIKE:
            shifts.append(np.array(at) - anchor)
    if len(shifts) < max(_FEWEST, _SHARE * len(templates.points)):
        return None
    found = np.stack(shifts)
    apart = np.linalg.norm(found[:, None] - found[None], axis=2) < _TOGETHER
    most = int(np.argmax(apart.sum(axis=1)))
    if apart[most].sum() < max(_FEWEST, _SHARE * len(templates.points)):
        return None
    return np.asarray(np.median(found[apart[most]], axis=0), np.float64)
