"""Groups do not depend on the order of pairs, and windows of a scene do not eat each other."""

import numpy as np

from clipmill.selection.duplicates.grouping import (
    ClipPlaces,
    best_of_groups,
    group_clips,
    match_with,
)
from clipmill.selection.duplicates.matches import ClipMatches


def matches(*pairs):
    """Return matches of (one, two, distance)."""
    one, two, distance = (np.array(column) for column in zip(*sorted(pairs), strict=True))
    no = np.zeros(len(one), bool)
    return ClipMatches(one, two, distance.astype(float), np.ones(len(one)), no, no)


def places(*where):
    """Return places of (video, start, end)."""
    return ClipPlaces(*(np.array(column, np.int64) for column in zip(*where, strict=True)))


APART = places((0, 0, 9), (1, 0, 9), (2, 0, 9), (3, 0, 9), (4, 0, 9))


def test_pairs_that_share_a_clip_are_one_group():
    groups = group_clips(matches((0, 1, 2), (1, 3, 4)), APART, within_video=False)
    assert groups.tolist() == [0, 0, 2, 0, 4]


def test_windows_of_a_still_scene_stay_apart_and_find_those_of_its_copy():
    where = places((0, 0, 50), (0, 50, 100), (1, 0, 50), (1, 50, 100))
    alike = matches((0, 1, 1), (0, 2, 0.5), (0, 3, 1), (1, 2, 1), (1, 3, 0.5), (2, 3, 1))
    assert group_clips(alike, where, within_video=False).tolist() == [0, 1, 0, 1]
    assert group_clips(alike, where, within_video=True).tolist() == [0, 0, 0, 0]


def test_windows_of_one_video_that_share_frames_may_be_one():
    where = places((0, 0, 50), (0, 10, 60))
    assert group_clips(matches((0, 1, 1)), where, within_video=False).tolist() == [0, 0]


def test_the_best_is_that_of_the_highest_value_then_of_the_next():
    groups = np.array([0, 0, 0, 3, 3])
    score = np.array([1.0, np.nan, 1.0, np.nan, np.nan])
    size = np.array([5.0, 9.0, 6.0, 1.0, 1.0])
    assert best_of_groups(groups, [score, size]).tolist() == [2, 2, 2, 3, 3]
    assert best_of_groups(groups, [size]).tolist() == [1, 1, 1, 3, 3]


def test_the_match_with_the_kept_one_is_found_where_there_is_one():
    some = matches((0, 1, 2), (1, 2, 4))
    assert match_with(np.array([0, 0, 0, 3, 4]), some).tolist() == [-1, 0, -1, -1, -1]
    assert match_with(np.array([1, 1, 1]), some).tolist() == [0, -1, 1]
