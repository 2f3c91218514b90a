"""Parts of one transition: energies say where there is nothing to see."""

import numpy as np

from clipmill.annotations.shots.transitions.joining import joined
from clipmill.annotations.shots.transitions.spans import Transition


def energy(**plain: tuple[int, int]) -> np.ndarray:
    values = np.full(60, 100.0, np.float32)
    for first, last in plain.values():
        values[first:last] = 0
    return values


def gradual(first: int, last: int) -> Transition:
    return Transition(first, last, (first + last) // 2, 1.5)


def hard(at: int) -> Transition:
    return Transition(at, at, at, 2.0)


def ranges(transitions: list[Transition]) -> list[tuple[int, int, int]]:
    return [(item.first, item.last, item.at) for item in transitions]


def test_into_black_and_out_of_it_is_one_at_the_plainest_frame() -> None:
    parts = [gradual(31, 35), gradual(20, 24)]
    assert ranges(joined(parts, energy(black=(24, 31)))) == [(20, 35, 24)]


def test_a_shot_between_two_dissolves_keeps_them_apart() -> None:
    parts = [gradual(10, 14), gradual(30, 34)]
    assert joined(parts, energy()) == parts


def test_a_fade_out_and_a_cut_from_black_lie_at_the_cut() -> None:
    assert ranges(joined([gradual(20, 24), hard(40)], energy(black=(24, 40)))) == [(20, 40, 40)]


def test_a_cut_to_black_and_a_fade_in_lie_at_the_cut() -> None:
    assert ranges(joined([hard(20), gradual(40, 44)], energy(black=(20, 40)))) == [(20, 44, 20)]


def test_a_blink_of_black_is_one_and_a_black_shot_is_two() -> None:
    assert ranges(joined([hard(20), hard(23)], energy(black=(20, 23)))) == [(20, 23, 23)]
    assert len(joined([hard(20), hard(40)], energy(black=(20, 40)))) == 2
    assert len(joined([hard(20), hard(23)], energy())) == 2


def test_fades_at_the_ends_take_the_black_beyond_them() -> None:
    parts = [gradual(6, 10), gradual(50, 54)]
    found = joined(parts, energy(opening=(0, 6), closing=(54, 60)))
    assert [(item.first, item.last) for item in found] == [(0, 10), (50, 60)]


def test_a_long_transition_is_extended_but_not_over_the_ends() -> None:
    assert ranges(joined([gradual(20, 40)], energy())) == [(18, 42, 30)]
    (found,) = joined([gradual(1, 59)], energy())
    assert (found.first, found.last) == (1, 59)
