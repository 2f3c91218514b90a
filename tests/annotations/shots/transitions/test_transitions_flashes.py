"""Flashes and other interruptions, and what only looks like one."""

import numpy as np
import pytest
from joined_shots import cut, flash, reduced, shot

from clipmill.annotations.shots.transitions.flashes import interruptions
from clipmill.annotations.shots.transitions.hard_cuts import cut_evidence
from clipmill.annotations.shots.transitions.pairs import FramePairs


def found(frames) -> tuple[list[int], set[tuple[int, int]]]:
    pairs = FramePairs(reduced(frames))
    evidence = cut_evidence(pairs)
    return np.flatnonzero(evidence > 1).tolist(), set(interruptions(evidence, pairs))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("pan", [0.0, 6.0])
def test_white_frames_within_a_shot_are_an_interruption(count, pan) -> None:
    cuts, interrupted = found(flash(shot(pan=pan), 12, count, gain=1.0, lift=255))
    assert cuts  # Without the check they would be cuts.
    assert interrupted == {(12, 12 + count)}


def test_black_frames_within_a_shot_are_an_interruption() -> None:
    assert found(flash(shot(), 12, 2, gain=0.0, lift=0))[1] == {(12, 14)}


def test_a_flash_at_a_cut_is_none() -> None:
    frames = cut(shot("china")[:15], shot("motorcycle")[:15])
    assert found(flash(frames, 14, 2, gain=1.0, lift=255))[1] == set()


def test_a_cut_to_a_darker_shot_is_none() -> None:
    dark = (shot("motorcycle") * 0.3).astype(np.uint8)
    assert found(cut(shot("china")[:15], dark[:15])) == ([15], set())


def test_a_thing_that_hides_the_view_for_a_moment_is_one() -> None:
    frames = shot("china", pan=0.0).copy()
    frames[12:15] = shot("motorcycle", pan=0.0)[12:15]
    assert found(frames)[1] == {(12, 15)}


def test_a_shot_of_six_frames_is_none() -> None:
    frames = shot("china", pan=0.0).copy()
    frames[12:18] = shot("motorcycle", pan=0.0)[12:18]
    assert found(frames) == ([12, 18], set())
