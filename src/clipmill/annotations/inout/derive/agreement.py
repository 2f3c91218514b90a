"""Whether the masks and the tracks of an object tell the same story."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipmill.vision.masks import grow

_TOLERANCE = 0.01


@dataclass(frozen=True)
class Agreement:
    """Masks against tracks.

    Attributes:
        valid: bool [N]: survived and stays on the mask while visible.
        invalid_share: Share of the surviving points that do not; 1 when none survived.
        confidence: Mean share of visible surviving points that lie on the mask, [0, 1].
        on_at_anchor: Surviving points on the mask at the anchor, of those that count there.
    """

    valid: npt.NDArray[np.bool_]
    invalid_share: float
    confidence: float
    on_at_anchor: int


def compare_tracks(
    masks: Sequence[npt.NDArray[np.bool_]],
    points: npt.NDArray[np.floating],
    visible: npt.NDArray[np.bool_],
    survived: npt.NDArray[np.bool_],
    *,
    off_share: float,
    hidden_at_anchor: bool = False,
) -> Agreement:
    """Compare masks with tracks, frame by frame.

    A hidden point says nothing: an object may go behind another and come back. The mask is
    grown by 1 % of the longer side first, since its edge is not known more exactly.

    Args:
        masks: T masks, bool [H, W], from the anchor on, at the working size.
        points: [T, N, 2], x, y in pixels of the masks' grid.
        visible: bool [T, N].
        survived: bool [N], points whose tracks come back to where they began.
        off_share: A point is invalid when it is off the mask in more than this share of the
            frames where it is visible in the picture; above 0 because one frame's mask may fail.
        hidden_at_anchor: Where no surviving point is visible at the anchor, all of them count
            there, as the mask was asked for with them.
    """
    length, count = visible.shape
    at_anchor = 0
    seen = np.zeros((length, count), bool)
    on = np.zeros((length, count), bool)
    for frame, mask in enumerate(masks):
        height, width = mask.shape
        column, row = np.rint(points[frame]).astype(int).T
        inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
        seen[frame] = visible[frame] & inside
        near = grow(mask, max(1, round(_TOLERANCE * max(mask.shape))))
        covered = near[row.clip(0, height - 1), column.clip(0, width - 1)] & inside
        on[frame] = covered & seen[frame]
        if frame == 0:
            every = hidden_at_anchor and not visible[0, survived].any()
            at_anchor = int((covered & (visible[0] | every) & survived).sum())
    off = (seen & ~on).sum(axis=0)
    valid = survived & (off <= off_share * seen.sum(axis=0))
    told = seen[:, survived].any(axis=1)
    shares = on[told][:, survived].sum(axis=1) / np.maximum(seen[told][:, survived].sum(axis=1), 1)
    return Agreement(
        valid=valid,
        invalid_share=float(1 - valid.sum() / survived.sum()) if survived.any() else 1.0,
        confidence=float(shares.mean()) if told.any() else 0.0,
        on_at_anchor=at_anchor,
    )
