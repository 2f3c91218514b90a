"""Scores to shots: the ranges cover all frames but those of transitions; a run is one boundary."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipmill.annotations.shots.boundaries import cuts_from_scores, shots_from_scores


def shots(scores: list[float], *, num_decoded: int | None = None) -> list[tuple[int, int]]:
    array = np.array(scores, np.float16)
    count = len(scores) if num_decoded is None else num_decoded
    return shots_from_scores(array, threshold=0.5, num_decoded=count)


def test_a_boundary_frame_begins_the_new_shot() -> None:
    assert shots([0, 0, 0.9, 0, 0]) == [(0, 2), (2, 5)]


def test_no_boundary_is_one_shot() -> None:
    assert shots([0, 0.2, 0.5]) == [(0, 3)]


def cuts(scores: list[float]) -> list[int]:
    return cuts_from_scores(np.array(scores), threshold=0.5, num_decoded=len(scores))


def test_a_run_is_one_boundary_at_its_first_maximum() -> None:
    assert cuts([0, 0, 0.6, 0.9, 0.9, 0.6, 0, 0.7]) == [3, 7]


def test_a_run_belongs_to_no_shot_but_for_its_last_frame() -> None:
    assert shots([0, 0, 0.6, 0.9, 0.9, 0.6, 0, 0.7]) == [(0, 2), (5, 7), (7, 8)]


def test_a_run_at_an_end_opens_or_closes_the_clip() -> None:
    scores = [0, 0.9, 0.9, 0.9, 0, 0, 0.8, 0.9]
    assert cuts(scores) == []
    assert shots(scores) == [(3, 6)]
    assert shots([0, 0.9, 0.9]) == []


def test_the_first_frame_is_no_boundary() -> None:
    assert shots([1.0, 0, 0]) == [(0, 3)]
    assert shots([1.0, 0.7, 0]) == [(0, 1), (1, 3)]
    assert cuts([1.0, 0.7, 0]) == [1]


def test_the_last_shot_ends_where_decoding_ended() -> None:
    assert shots([0, 0, 0.9, 0, 0.9, 0], num_decoded=4) == [(0, 2), (2, 4)]
    assert shots([0, 0, 0.9], num_decoded=2) == [(0, 2)]
    assert shots([0, 0], num_decoded=9) == [(0, 2)]
    assert shots([0, 0], num_decoded=0) == []
    assert shots([]) == []


def test_nan_is_no_evidence() -> None:
    assert shots([0, float("nan"), 0]) == [(0, 3)]


@pytest.mark.parametrize("threshold", [0.0, 0.5, 3.0])
@given(scores=st.lists(st.floats(0, 10, width=16), min_size=1, max_size=60), data=st.data())
def test_shots_cover_all_frames_but_those_of_transitions(threshold, scores, data) -> None:
    num_decoded = data.draw(st.integers(1, len(scores)))
    array = np.array(scores, np.float16)
    settings = {"threshold": threshold, "num_decoded": num_decoded}
    found = shots_from_scores(array, **settings)
    covered = [frame for start, end in found for frame in range(start, end)]
    assert sorted(set(covered)) == covered
    # Whatever no shot has stands next to another frame above the threshold.
    above = {0, *(np.flatnonzero(array[:num_decoded] > threshold).tolist())}
    for frame in set(range(num_decoded)) - set(covered):
        assert frame in above
        assert above & {frame - 1, frame + 1}
    cuts = cuts_from_scores(array, **settings)
    assert len(cuts) == max(0, len(found) - 1)
    for cut, (before, after) in zip(cuts, pairwise(found), strict=True):
        assert before[1] <= cut <= after[0]
        assert array[cut] > threshold
