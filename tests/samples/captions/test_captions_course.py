"""Courses of values over time, and the headings that follow from them."""

import numpy as np
import pytest

from clipmill.samples.captions.course import course_of, smoothed
from clipmill.samples.captions.headings import heading_of

T = np.linspace(0, 1, 60)


def wave(turns: float) -> np.ndarray:
    return np.cos(np.pi * turns * T)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (T, "one way"),
        (-T, "one way"),
        (T + 0.05 * np.sin(40 * T), "one way"),
        (np.concatenate([T, 1 - 0.1 * T]), "one way"),
        (np.concatenate([T, 1 - T]), "turn"),
        (np.concatenate([T, 1 - 0.3 * T]), "turn"),
        (np.concatenate([0.1 * T, 0.1 - T]), "one way"),
        (wave(3), "to and fro"),
        (wave(4.5), "to and fro"),
        (np.concatenate([T, 1 - 0.3 * T, 0.7 + 0.3 * T]), "one way"),
        (np.concatenate([T, 1 - 0.6 * T, 0.4 + 0.25 * T]), "turn"),
    ],
)
def test_a_course_goes_one_way_turns_or_goes_to_and_fro(values, kind):
    course = course_of(values)
    found = {
        "one way": course.is_one_way,
        "turn": course.turn is not None,
        "to and fro": course.is_to_and_fro,
    }
    assert [name for name, is_so in found.items() if is_so] == [kind]


def test_a_turn_tells_both_ways():
    before, after = course_of(np.concatenate([T, 1 - 0.4 * T])).turn
    assert (before, after) == (pytest.approx(1.0), pytest.approx(-0.4))


def test_the_last_way_of_an_odd_number_of_ways_is_not_the_way_it_goes():
    course = course_of(wave(3))  # ends as far away as one way would
    assert abs(course.way) == pytest.approx(course.reach, rel=0.01)
    assert not course.is_one_way


def test_nothing_measured_is_no_course():
    for values in (np.zeros(0), np.full(5, np.nan), np.ones(5)):
        course = course_of(values)
        assert course.reach == 0
        assert not (course.is_one_way or course.turn or course.is_to_and_fro)


def test_gaps_are_passed_over():
    values = np.where((T > 0.3) & (T < 0.6), np.nan, T)
    assert course_of(values).is_one_way


def test_smoothing_takes_jitter_and_no_way():
    rng = np.random.default_rng(0)
    noisy = np.stack([T, 1 - T], axis=1) + rng.normal(0, 0.05, (60, 2))
    noisy[10:13] = np.nan
    smooth = smoothed(noisy, 9)
    assert np.isnan(smooth[10:13]).all() and np.isfinite(np.delete(smooth, range(10, 13), 0)).all()
    assert np.nanstd(np.diff(smooth[:, 0])) < 0.3 * np.nanstd(np.diff(noisy[:, 0]))
    assert smooth[[0, -1]] == pytest.approx(noisy[[0, -1]])


@pytest.mark.parametrize(
    ("x", "y", "kind", "ways"),
    [
        (T, 0.1 * T, "one way", ((1, 0),)),
        (0.2 * T, -T, "one way", ((0, -1),)),
        (-T, T, "one way", ((-1, 1),)),
        (wave(2), 0.1 * T, "two ways", ((-1, 0), (1, 0))),
        (0 * T, wave(4), "to and fro", ((0, 1),)),
        (wave(3), T, "unclear", ()),
    ],
)
def test_headings(x, y, kind, ways):
    heading = heading_of(course_of(x), course_of(y), least=0.08)
    assert (heading.kind, heading.ways) == (kind, ways)


def test_what_does_not_get_far_has_no_heading():
    assert heading_of(course_of(0.05 * T), course_of(0.07 * T), least=0.08) is None
