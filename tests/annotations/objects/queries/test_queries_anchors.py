import numpy as np
import pytest

from clipmill.annotations.objects.queries.anchors import (
    choose_anchors,
    entry_anchors,
    nearest_keyframe,
)

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


def entries(*stretches, length=60, at_edge=()):
    """Areas over a clip from (first frame, areas) pairs, and their entry anchors."""
    areas = np.zeros(length)
    for first, sizes in stretches:
        areas[first : first + len(sizes)] = sizes
    edges = np.zeros(length, bool)
    edges[list(at_edge)] = True
    return entry_anchors(areas, edges, first=0, within=24)


def test_an_entry_has_an_anchor_where_the_thing_is_mostly_in():
    # It grows to 100 pixels; 70 of them are most of it.
    assert entries((20, [10, 30, 60, 75, 90, *[100] * 20])) == [23]


def test_an_entry_is_waited_for_off_the_edge_if_it_gets_off_it():
    coming = (20, [*range(10, 110, 10), *[100] * 20])
    assert entries(coming, at_edge=range(20, 32)) == [32]
    assert entries(coming, at_edge=range(20, 60)) == [26]


def test_what_is_there_at_the_first_frame_has_not_come_in():
    assert entries((0, [100] * 60)) == []
    areas, edges = [100.0] * 10, [False] * 10
    assert entry_anchors(areas, edges, first=5, within=24) == [5]
    assert entry_anchors(areas, edges, first=0, within=24) == []


def test_every_return_is_an_entry():
    assert entries((0, [100] * 10), (20, [50, *[100] * 9]), (45, [100] * 10)) == [21, 45]


def test_what_is_lost_for_a_moment_has_not_come_in_again():
    assert entries((0, [100] * 10), (15, [100] * 10)) == []
    assert entries((0, [100] * 10), (16, [100] * 10)) == [16]


def test_a_thing_that_is_gone_again_is_seen_at_its_best_while_it_is_there():
    assert entries((20, [10, 30, 20]), (40, [500] * 10)) == [21, 40]


def test_growth_after_the_search_does_not_count():
    assert entries((10, [50] * 24 + [500] * 20)) == [10]
