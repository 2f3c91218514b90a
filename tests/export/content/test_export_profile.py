"""Frame profiles: sizes, cuts, refusals."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clipmill.errors import UsageError
from clipmill.export.content.profile import PROFILES, FrameProfile, find_profile


def test_the_source_stays_as_it_is():
    assert FrameProfile().placement(640, 360).is_whole


def test_odd_sides_lose_a_line():
    placement = FrameProfile().placement(641, 361)
    assert placement.target == (640, 360)
    assert placement.scaled == (641, 361)


@given(
    st.integers(64, 4000),
    st.integers(64, 4000),
    st.sampled_from([(20, 11), (16, 9), (9, 16), (1, 1)]),
    st.sampled_from([2, 16, 32]),
)
def test_a_cut_to_an_aspect_neither_scales_nor_leaves_the_frame(width, height, aspect, multiple):
    placement = FrameProfile(aspect=aspect, multiple=multiple).placement(width, height)
    (across, down), (x, y) = placement.target, placement.offset
    assert across % multiple == 0 and down % multiple == 0
    assert 0 <= x <= placement.scaled[0] - across
    assert 0 <= y <= placement.scaled[1] - down
    if min(width, height) > 40 * multiple:
        assert placement.scaled == (width, height)
        assert abs(across / down / (aspect[0] / aspect[1]) - 1) < 2 * multiple / down + 0.03


def test_a_size_covers_the_frame():
    placement = FrameProfile(size=(832, 480)).placement(1920, 1080)
    assert placement.target == (832, 480)
    assert placement.scaled == (853, 480)
    stretched = FrameProfile(size=(832, 480), fit="stretch").placement(1920, 1080)
    assert stretched.scaled == (832, 480)


def test_the_longer_side_only_shrinks():
    profile = FrameProfile(long_side=640)
    assert profile.placement(1920, 1080).target == (640, 360)
    assert profile.placement(320, 180).target == (320, 180)


@pytest.mark.parametrize(
    ("given_", "exact"),
    [
        ("30000/1001", Fraction(30000, 1001)),
        (29.97, Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        (59.94, Fraction(60000, 1001)),
        ("16", Fraction(16)),
        (12.5, Fraction(25, 2)),
        (24, Fraction(24)),
    ],
)
def test_rates_are_exact(given_, exact):
    profile = FrameProfile(fps=given_)
    assert profile.fps == exact
    assert FrameProfile.model_validate(profile.model_dump(mode="json")) == profile


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": (100, 33)},
        {"size": (100, 100), "aspect": (1, 1)},
        {"min_frames": 10, "max_frames": 5},
        {"fps": 0},
        {"multiple": 3},
        {"nix": 1},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValidationError):
        FrameProfile(**wrong)


def test_known_families():
    wan = PROFILES["wan2.1"]
    assert (wan.fps, wan.count, wan.max_frames, wan.size) == (16, "4n+1", 81, (832, 480))
    assert wan.placement(1920, 1080).target == wan.placement(854, 480).target == (832, 480)
    assert PROFILES["cogvideox"].min_frames == 49
    with pytest.raises(UsageError, match=r"wan2\.1"):
        find_profile("wan")


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "source"])
def test_the_grid_of_regions_divides_the_picture(name):
    profile = PROFILES[name]
    across, down = profile.placement(1919, 1079).target
    assert profile.region_grid >= 16
    assert across % profile.region_grid == down % profile.region_grid == 0
