"""From frames to shots: nothing of a transition stays in a shot, and nothing else is cut."""

import numpy as np
import pytest
from joined_shots import cut, dissolve, fade, flash, letterboxed, reduced, shot

from clipmill.annotations.shots.boundaries import cuts_from_scores, shots_from_scores
from clipmill.annotations.shots.transitions.detect import THRESHOLD, transition_scores

A, B = shot("china"), shot("motorcycle", pan=-1.0)


def cuts_and_shots(frames) -> tuple[list[int], list[tuple[int, int]]]:
    scores = transition_scores(reduced(frames))
    assert scores.shape == (len(frames),)
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores < 1)).all()
    settings = {"threshold": THRESHOLD, "num_decoded": len(frames)}
    return cuts_from_scores(scores, **settings), shots_from_scores(scores, **settings)


@pytest.mark.parametrize("at", [1, 2, 15, 28, 29])
def test_a_hard_cut_loses_no_frame(at) -> None:
    assert cuts_and_shots(cut(A[:at], B[at:])) == ([at], [(0, at), (at, 30)])


@pytest.mark.parametrize("boxed", [False, True])
@pytest.mark.parametrize("count", [4, 8, 12, 20])
def test_a_dissolve_is_one_cut_and_in_no_shot(count, boxed) -> None:
    frames = dissolve(A, B, count)
    (at,), ((_, end), (start, _)) = cuts_and_shots(letterboxed(frames) if boxed else frames)
    assert 30 - count <= at <= 30
    assert 30 - count - 2 <= end <= 30 - count + 1
    assert 29 <= start <= 32


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize(("count", "hold"), [(5, 0), (10, 0), (10, 8), (15, 3)])
def test_a_fade_is_one_cut_and_in_no_shot(count, hold, level) -> None:
    frames = fade(A, B, count, level=level, hold=hold)
    (at,), ((_, end), (start, _)) = cuts_and_shots(frames)
    assert 30 - count <= at <= 30 + hold + count
    assert 30 - count - 2 <= end <= 30 - count + 1
    assert -1 <= start - (30 + hold + count) <= 2


@pytest.mark.parametrize("offset", [3, 4, 5])
def test_a_dissolve_near_an_end_is_found(offset) -> None:
    assert len(cuts_and_shots(dissolve(A[: offset + 8], B, 8))[0]) == 1
    assert len(cuts_and_shots(dissolve(A, B[: offset + 8], 8))[0]) == 1


def test_fades_at_the_ends_are_no_cuts_and_in_no_shot() -> None:
    black = np.zeros_like(A)
    frames = dissolve(dissolve(black[:15], A, 10), black[:15], 10)
    found, ((start, end),) = cuts_and_shots(frames)
    assert found == []
    assert 14 <= start <= 17
    assert 23 <= end <= 26


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize(("gain", "lift"), [(1.6, 20), (2, 60), (1, 255)])
def test_a_flash_is_no_cut(count, gain, lift) -> None:
    frames = flash(shot("china", pan=4.0), 12, count, gain=gain, lift=lift)
    assert cuts_and_shots(frames) == ([], [(0, 30)])


def test_a_flash_that_dies_away_is_no_cut() -> None:
    lift = np.interp(np.arange(30), (12, 13, 17), (0, 255, 0))[:, None, None, None]
    frames = np.clip(shot("china", pan=3.0) + lift, 0, 255).astype(np.uint8)
    assert cuts_and_shots(frames) == ([], [(0, 30)])


def test_strobe_light_is_no_cut() -> None:
    on = (np.arange(30) % 6 < 2)[:, None, None, None]
    frames = np.where(on, A, (A * 0.15).astype(np.uint8))
    assert cuts_and_shots(frames) == ([], [(0, 30)])


def test_the_same_frames_give_the_same_scores() -> None:
    frames = reduced(dissolve(A, B, 12))
    assert transition_scores(frames).tobytes() == transition_scores(frames).tobytes()


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_clip_of_few_frames_is_one_shot(count) -> None:
    assert cuts_and_shots(A[:count]) == ([], [(0, count)] if count else [])
