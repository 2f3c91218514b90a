"""Scores to shots: the ranges cover everything once, a run is one boundary."""

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


def test_a_run_is_one_boundary_at_its_first_maximum() -> None:
    assert shots([0, 0.6, 0.9, 0.9, 0.6, 0, 0.7]) == [(0, 2), (2, 6), (6, 7)]


def test_the_first_frame_is_no_boundary() -> None:
    assert shots([1.0, 0, 0]) == [(0, 3)]
    assert shots([1.0, 0.7, 0]) == [(0, 1), (1, 3)]


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
def test_shots_cover_all_frames_once(threshold, scores, data) -> None:
    num_decoded = data.draw(st.integers(1, len(scores)))
    array = np.array(scores, np.float16)
    found = shots_from_scores(array, threshold=threshold, num_decoded=num_decoded)
    covered = [frame for start, end in found for frame in range(start, end)]
    assert covered == list(range(num_decoded))
    cuts = cuts_from_scores(array, threshold=threshold, num_decoded=num_decoded)
    assert cuts == [start for start, _ in found[1:]]
    assert all(array[cut] > threshold for cut in cuts)
