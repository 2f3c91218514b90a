"""Chooses a few clips that are unlike each other: of many videos, and far apart in their scores."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import rankdata

from clipmill.clips import VIDEO_ID_DIGITS
from clipmill.inspection.scores import Score

PREFERRED_SHARE = 2 / 3
"""Most of a choice that is of preferred members while others are as good."""


def score_ranks(clip_ids: Sequence[str], scores: Sequence[Score]) -> npt.NDArray[np.float64]:
    """Return where clips stand in each score: copies of one video stand at one place.

    Args:
        clip_ids: n clips.
        scores: Scores of selections; those of objects say nothing of a clip.

    Returns:
        float64 [n, d] in [0, 1]; 0.5 where a clip has no number.
    """
    ids = pa.array(clip_ids, pa.string())
    videos = pc.utf8_slice_codeunits(ids, 0, VIDEO_ID_DIGITS)
    columns = []
    for score in scores:
        if score.level == "object" or not len(score.keys) or not len(ids):
            continue
        place = pc.coalesce(
            pc.index_in(ids, value_set=score.keys), pc.index_in(videos, value_set=score.keys)
        )
        values = pc.fill_null(pa.array(score.values).take(place), np.nan).to_numpy()
        known = np.isfinite(values)
        ranks = np.full(len(values), 0.5)
        if known.sum() > 1:
            ranks[known] = (rankdata(values[known]) - 1) / (known.sum() - 1)
        columns.append(ranks)
    return np.stack(columns, axis=1) if columns else np.zeros((len(clip_ids), 0))


def spread_out(
    points: npt.NDArray[np.float64],
    groups: Sequence[str],
    preferred: npt.NDArray[np.bool_],
    *,
    count: int,
) -> list[int]:
    """Choose members: one of each group before the second of any, each far from those before it.

    Farthest-first traversal (T. F. Gonzalez, Theoretical Computer Science 38 (1985) 293-306) over
    the groups that were chosen least.

    Args:
        points: float64 [n, d].
        groups: Group of each, e.g. its video.
        preferred: bool [n]: taken first, until they are two thirds of the choice.
        count: Members to choose at most.

    Returns:
        Places, in the order of choice; of equals, the first one.
    """
    number = np.unique(np.array(groups, str), return_inverse=True)[1]
    used = np.zeros(number.max(initial=-1) + 1, np.int64)
    open_ = np.ones(len(groups), bool)
    # Nothing was chosen yet: what is nearest to the middle is farthest from all extremes.
    distance = -np.square(points - 0.5).sum(axis=1)
    chosen: list[int] = []
    liked = 0
    while len(chosen) < min(count, len(groups)):
        turns = used[number]
        candidates = open_ & (turns == turns[open_].min())
        if liked < PREFERRED_SHARE * count and (candidates & preferred).any():
            candidates &= preferred
        place = int(np.argmax(np.where(candidates, distance, -np.inf)))
        near = np.square(points - points[place]).sum(axis=1)
        distance = near if not chosen else np.minimum(distance, near)
        open_[place] = False
        used[number[place]] += 1
        liked += bool(preferred[place])
        chosen.append(place)
    return chosen
