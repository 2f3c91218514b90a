import numpy as np
import pytest

from clipmill.annotations.inout.derive.agreement import compare_tracks

MASK = np.zeros((60, 100), bool)
MASK[20:40, 20:50] = True
ON, OFF, OUT = (30.0, 30.0), (80.0, 30.0), (-40.0, 30.0)


def compare(*columns, visible=None, survived=None, off_share=0.0, hidden_at_anchor=False):
    points = np.array(columns, float).transpose(1, 0, 2)
    shape = points.shape[:2]
    return compare_tracks(
        [MASK] * shape[0],
        points,
        np.ones(shape, bool) if visible is None else np.array(visible).T,
        np.ones(shape[1], bool) if survived is None else np.array(survived),
        off_share=off_share,
        hidden_at_anchor=hidden_at_anchor,
    )


def test_a_visible_point_off_the_mask_is_invalid():
    found = compare([ON, ON, ON], [ON, OFF, ON])
    assert found.valid.tolist() == [True, False]
    assert found.invalid_share == 0.5
    assert found.confidence == pytest.approx(5 / 6)


def test_a_hidden_point_off_the_mask_is_not():
    """The published rule ignored visibility: an object hidden once was refused."""
    found = compare([ON, ON, ON], [ON, OFF, ON], visible=[[True] * 3, [True, False, True]])
    assert found.valid.all()
    assert (found.invalid_share, found.confidence) == (0.0, 1.0)


def test_a_point_outside_the_picture_is_not():
    assert compare([ON, OUT, OUT]).valid.all()


def test_a_few_frames_off_are_forgiven_up_to_the_share():
    once = [ON] * 19 + [OFF]
    twice = [ON] * 18 + [OFF] * 2
    assert compare(once, twice, off_share=0.05).valid.tolist() == [True, False]


def test_the_edge_is_known_within_one_percent():
    just, beyond = (50.0, 30.0), (52.0, 30.0)
    assert compare([just, just], [beyond, beyond]).valid.tolist() == [True, False]


def test_points_that_did_not_survive_are_left_out_of_the_share():
    found = compare([ON, ON], [OFF, OFF], survived=[True, False])
    assert found.valid.tolist() == [True, False]
    assert found.invalid_share == 0.0


def test_nothing_survived():
    found = compare([ON, ON], survived=[False])
    assert (found.invalid_share, found.confidence, found.on_at_anchor) == (1.0, 0.0, 0)


def test_points_that_are_all_hidden_at_the_anchor_count_where_they_prompted():
    def on(*columns, visible, survived=None, hidden_at_anchor=True):
        return compare(
            *columns, visible=visible, survived=survived, hidden_at_anchor=hidden_at_anchor
        ).on_at_anchor

    unseen = [[False, True]] * 2
    assert on([ON, ON], [OFF, OFF], visible=unseen) == 1
    assert on([ON, ON], [OFF, OFF], visible=unseen, hidden_at_anchor=False) == 0
    assert on([OUT, ON], [OFF, OFF], visible=unseen) == 0
    assert on([ON, ON], visible=unseen[:1], survived=[False]) == 0
    # Where one of them is seen, the hidden ones say nothing.
    assert on([ON, ON], [OFF, OFF], visible=[[False] * 2, [True] * 2]) == 0
