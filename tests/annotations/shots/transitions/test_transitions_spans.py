"""Where dissolves begin and end, and what is no new scene."""

import numpy as np
import pytest
from joined_shots import dissolve, reduced, shot

from clipmill.annotations.shots.transitions.blends import Blend, find_blends, products_of
from clipmill.annotations.shots.transitions.pairs import FramePairs
from clipmill.annotations.shots.transitions.spans import Transition, gradual_transitions


def transitions(frames) -> list[Transition]:
    kept = reduced(frames)
    return gradual_transitions(find_blends(products_of(kept)), FramePairs(kept))


@pytest.mark.parametrize("count", [1, 4, 9, 12, 18])
def test_a_dissolve_is_one_transition_with_its_frames(count) -> None:
    (found,) = transitions(dissolve(shot("china"), shot("motorcycle"), count))
    assert abs(found.first - (30 - count)) <= 1
    assert abs(found.last - 30) <= 1
    assert found.gradual
    assert found.first <= found.at < found.last


def test_two_dissolves_are_two() -> None:
    frames = dissolve(dissolve(shot("china"), shot("motorcycle", pan=-1.0), 6), shot("chelsea"), 6)
    first, second = transitions(frames)
    assert (first.first, second.first) == (24, 48)


def test_windows_in_which_little_changes_are_left_out() -> None:
    # A person would see a title fade in: it is a mixture without a new scene.
    plain = shot("china", pan=0.0)
    titled = plain.copy()
    titled[:, 70:110, 60:260] = 255
    assert transitions(dissolve(plain, titled, 12)) == []


def test_overlapping_windows_give_one_the_largest_change() -> None:
    kept = reduced(dissolve(shot("china"), shot("motorcycle"), 12))
    small, large = Blend(20, 27, 1.5, 40.0), Blend(17, 30, 1.4, 80.0)
    (found,) = gradual_transitions([small, large], FramePairs(kept))
    assert found.evidence == large.evidence
    assert np.array_equal([found.first, found.last], [18, 30])
