import numpy as np
import pytest

from clipmill.annotations.inout.derive.crossing import (
    frames_to_border,
    is_going,
    points_stay,
)


def box(left, top, right, bottom, size=(90, 160)):
    mask = np.zeros(size, bool)
    mask[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return mask


def leftward(*rights):
    return [box(right - 40, 30, right, 60) for right in rights]


@pytest.mark.parametrize(
    ("rights", "frames"),
    [((50, 42, 34, 26, 18), 2), ((50, 40, 30, 20, 10), 1), ((60, 41, 22, 3), 0), ((44, 42), 3)],
    ids=["two more", "at the next", "gone", "no further than speed tells"],
)
def test_the_last_edge_goes_on_at_its_speed(rights, frames):
    assert frames_to_border(leftward(*rights)) == frames


def test_every_border():
    shapes = [leftward(50, 42, 34, 26, 18)]
    shapes.append([mask[:, ::-1] for mask in shapes[0]])
    shapes.append([mask.T for mask in shapes[0]])
    shapes.append([mask.T[::-1] for mask in shapes[0]])
    assert [frames_to_border(masks) for masks in shapes] == [2, 2, 2, 2]


def test_what_is_inside_or_stays_is_not_leaving():
    assert frames_to_border([box(60 - t, 30, 100 - t, 60) for t in range(6)]) == 0
    assert frames_to_border([box(0, 30, 40, 60)] * 6) == 0
    assert frames_to_border([box(0, 30, 40 + t, 60) for t in range(6)]) == 0


def test_one_mask_tells_no_speed():
    assert frames_to_border(leftward(20)) == 0
    assert frames_to_border([]) == 0


def test_what_is_lost_at_its_full_size_was_not_going():
    assert is_going(leftward(50, 42, 34, 26, 18))
    assert not is_going([box(0, 30, 40, 60)] * 6)
    assert not is_going([box(60 - t, 30, 100 - t, 60) for t in range(6)])
    assert not is_going([])


def stays(places, *, seen=20, box=(0, 30, 20, 60)):
    """Points that go left by two pixels a frame and are seen last at `places`, in 20 frames."""
    points = np.array(places, float) + np.arange(19, -1, -1)[:, None, None] * (2, 0)
    visible = np.zeros(points.shape[:2], bool)
    visible[:seen] = True
    return points_stay(points, visible, np.array(box, float), size=(160, 90), longer=40)


def test_points_on_what_goes_over_the_border_do_not_stay():
    assert not stays([(2, 40), (10, 50), (19, 35), (30, 45)])


def test_a_third_of_the_points_far_behind_stays():
    assert stays([(2, 40), (10, 50), (60, 45)])
    assert not stays([(2, 40), (10, 50), (19, 35), (60, 45)])


def test_points_that_were_hidden_long_before_tell_nothing():
    assert not stays([(60, 40), (70, 50)], seen=8)
    assert stays([(60, 40), (70, 50)], seen=15)


def test_behind_any_border_that_is_touched_is_behind():
    places = [(10, 60), (12, 70)]
    assert not stays(places, box=(0, 30, 20, 60))
    assert stays(places, box=(0, 0, 20, 30))
    assert not stays([(60, 60)], box=(70, 40, 90, 60))
