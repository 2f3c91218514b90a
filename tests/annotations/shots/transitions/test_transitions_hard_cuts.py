"""Hard cuts at every offset, and what moves fast without being one."""

import numpy as np
import pytest
from joined_shots import cut, letterboxed, reduced, shot

from clipmill.annotations.shots.transitions.hard_cuts import cut_evidence
from clipmill.annotations.shots.transitions.pairs import FramePairs


def evidence(frames) -> np.ndarray:
    return cut_evidence(FramePairs(reduced(frames)))


def cuts(frames) -> list[int]:
    return np.flatnonzero(evidence(frames) > 1).tolist()


@pytest.mark.parametrize("at", [1, 2, 3, 4, 15, 26, 27, 28, 29])
def test_a_cut_is_found_at_every_offset_from_both_ends(at) -> None:
    frames = cut(shot("china")[:at], shot("motorcycle", pan=-3.0)[at:])
    assert cuts(frames) == [at]


def test_a_cut_in_fast_motion_is_found() -> None:
    frames = cut(shot("china", pan=12.0)[:15], shot("motorcycle", pan=-12.0)[:15])
    assert cuts(frames) == [15]


def test_a_cut_between_dark_shots_is_found() -> None:
    frames = cut(shot("china")[:15], shot("motorcycle")[:15])
    assert cuts((frames * 0.1).astype(np.uint8)) == [15]


@pytest.mark.parametrize("first", [True, False])
def test_a_cut_between_a_letterboxed_and_a_full_shot_is_found(first) -> None:
    old, new = shot("china")[:15], shot("motorcycle")[:15]
    frames = cut(letterboxed(old), new) if first else cut(old, letterboxed(new))
    assert cuts(frames) == [15]


def test_bars_that_come_over_a_shot_are_no_cut() -> None:
    frames = shot("china")
    assert cuts(cut(frames[:15], letterboxed(frames[15:]))) == []


@pytest.mark.parametrize("pan", [0.0, 6.0, 16.0])
def test_motion_is_no_cut(pan) -> None:
    assert evidence(shot("motorcycle", pan=pan)).max() < 0.6


def test_playing_backwards_is_no_cut() -> None:
    frames = shot("motorcycle", pan=8.0)
    assert cuts(cut(frames, frames[::-1])) == []


def test_a_title_that_appears_is_no_cut() -> None:
    frames = shot("china").copy()
    frames[15:, 70:110, 60:260] = 255
    assert cuts(frames) == []


def test_noise_in_the_dark_is_no_cut() -> None:
    noise = np.random.default_rng(0).normal(0, 1.5, (30, 180, 320, 3))
    frames = np.clip(shot("china") * 0.05 + noise, 0, 255).astype(np.uint8)
    assert cuts(frames) == []


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_compare_is_no_evidence(count) -> None:
    assert evidence(shot()[:count]).tolist() == [0.0] * count
