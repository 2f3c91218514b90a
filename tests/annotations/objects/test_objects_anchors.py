import numpy as np
import pytest

from clipmill.annotations.objects.anchors import choose_anchors, nearest_keyframe

REFERENCE = {
    "ratios": (0.0, 0.33, 0.66),
    "min_gap": 50,
    "sample_fps": 12.0,
    "min_sampled": 49,
    "snap": 0.05,
}


def keys(num_frames, *places):
    flags = np.zeros(num_frames, bool)
    flags[list(places)] = True
    return flags


def test_long_clip_gets_three_anchors_at_the_ratios():
    assert choose_anchors(500, 25.0, keys(500), **REFERENCE) == [0, 165, 330]


def test_anchor_needs_more_than_the_gap():
    # int(.33 * 152) = 50: exactly the gap, refused; one frame more is enough.
    assert choose_anchors(152, 5.0, keys(152), **(REFERENCE | {"snap": 0.0})) == [0, 100]
    assert 51 in choose_anchors(155, 5.0, keys(155), **(REFERENCE | {"snap": 0.0}))


def test_anchor_needs_enough_sampled_frames_after_it():
    # 102 frames at 25 fps are 48 at 12 fps; 103 are 49.
    assert choose_anchors(102, 25.0, keys(102), **REFERENCE) == []
    assert choose_anchors(103, 25.0, keys(103), **REFERENCE) == [0]


def test_anchor_moves_to_a_keyframe_within_the_limit_only():
    assert choose_anchors(500, 25.0, keys(500, 20, 190, 356), **REFERENCE) == [20, 190, 330]
    assert choose_anchors(500, 25.0, keys(500, 26, 191), **REFERENCE) == [0, 165, 330]


def test_two_anchors_at_one_keyframe_are_one():
    wide = REFERENCE | {"snap": 0.5}
    assert choose_anchors(500, 25.0, keys(500, 200), **wide) == [200]


def test_earlier_of_two_equally_near_keyframes():
    assert nearest_keyframe(50, np.array([40, 60])) == 40
    assert nearest_keyframe(50, np.array([], int)) == 50


@pytest.mark.parametrize("fps", [0.0, float("nan")])
def test_unknown_rate_gives_no_anchor(fps):
    assert choose_anchors(500, fps, keys(500), **REFERENCE) == []
