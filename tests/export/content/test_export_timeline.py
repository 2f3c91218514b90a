"""Which source frame is shown at which frame of an export."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipmill.export.content.timeline import allowed_count, make_timeline, native_rate

NTSC = Fraction(30000, 1001)


def timeline(pts, fps, *, first=0, base=Fraction(1, 30000), same=False, **more):
    return make_timeline(
        np.asarray(pts), base, first=first, fps=Fraction(fps), same_rate=same, **more
    )


def test_the_same_rate_takes_every_frame():
    line = timeline(np.arange(50) * 1001, NTSC, first=7, same=True)
    assert line.shown.tolist() == list(range(7, 57))
    assert line.positions.tolist() == line.shown.tolist()
    assert line.every_frame


@given(
    st.integers(2, 200),
    st.sampled_from(["16", "24", "8", "30", "60", "25", "30000/1001"]),
    st.integers(0, 9),
)
def test_each_moment_shows_the_nearest_source_frame(count, fps, first):
    pts = np.arange(count) * 1001
    line = timeline(pts, fps, first=first)
    seconds = pts / 30000
    moments = np.arange(len(line)) / float(Fraction(fps))
    off = np.abs(seconds[line.shown - first] - moments)
    best = np.abs(seconds[None] - moments[:, None]).min(axis=1)
    assert np.allclose(off, best, atol=1e-9)
    # as long as the source, within one frame of the slower of the two
    lasts = len(line) / float(Fraction(fps))
    assert abs(lasts - count / float(NTSC)) <= 1 / float(Fraction(fps)) + 1e-6
    assert (np.diff(line.shown) >= 0).all()
    assert np.allclose(np.interp(line.positions - first, np.arange(count), seconds),
                       np.minimum(moments, seconds[-1]))  # fmt: skip


def test_a_variable_rate_is_followed_by_its_times():
    pts = np.array([0, 1000, 2000, 12000, 13000, 14000])
    line = timeline(pts, 10, base=Fraction(1, 10000))
    # 0, 0.1, 0.2 are frames 0 to 2; the long pause shows 2, then 3
    assert line.shown.tolist()[:3] == [0, 1, 2]
    assert line.shown.tolist()[6:9] == [2, 2, 3]
    assert line.shown[12] == 3 and line.shown[13] == 4


@pytest.mark.parametrize(
    ("rule", "counts"),
    [("any", [1, 2, 80, 81]), ("4n+1", [1, 1, 77, 81]), ("8n+1", [1, 1, 73, 81])],
)
def test_counts_are_rounded_down_to_what_a_model_takes(rule, counts):
    assert [allowed_count(n, rule) for n in (1, 2, 80, 81)] == counts


def test_the_rule_comes_after_the_rate():
    line = timeline(np.arange(300) * 1001, 16, rule="4n+1", max_frames=81)
    assert len(line) == 81
    assert len(timeline(np.arange(100) * 1001, 16, rule="4n+1")) == 53


def test_native_rates():
    assert native_rate(NTSC, variable=False) == NTSC
    assert native_rate(Fraction(2550, 100), variable=True) == 26
    assert native_rate(Fraction(0), variable=False) == 1


def test_frames_of_the_source_are_found_in_the_export():
    line = timeline(np.arange(60) * 1001, 15, first=100)
    assert line.number_of(99) == -1
    assert line.number_of(100) == 0
    assert line.number_of(160) == len(line)
    for number, frame in enumerate(line.shown.tolist()):
        assert line.number_of(frame) == number
