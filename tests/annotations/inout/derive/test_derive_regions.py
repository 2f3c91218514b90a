import numpy as np
import pytest

from clipmill.annotations.inout.derive.regions import (
    ASPECTS,
    Draws,
    draw_boxes,
    entered,
    largest,
    passes_of,
    to_regions,
    without_leak,
)
from clipmill.store.codecs import encode_mask

W, H = 1280, 720
POINTS = np.array([[1100.0, 300.0], [1200.0, 420.0]])


def draw(points=POINTS, *, seed=0, width=W, height=H, **options):
    return draw_boxes(
        points, width=width, height=height, seed=seed, **{"tries": 2000, "margin": 15.0} | options
    )


def draws_of(*boxes):
    return Draws(np.array(boxes, np.int64).reshape(-1, 4), np.zeros(len(boxes), np.int64))


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (960, 720), (426, 240), (400, 285)])
def test_every_box_holds_to_the_rules(width, height):
    points = np.array([[width - 5.0, height - 5.0]])
    draws = draw(points, width=width, height=height)
    assert len(draws.boxes)
    for (x0, y0, x1, y1), number in zip(draws.boxes, draws.aspects, strict=True):
        aspect = ASPECTS[number]
        assert 0 <= x0 <= int(0.55 * width)
        assert 0 <= y0 <= int(0.55 * height)
        assert y1 <= height
        assert y1 - y0 >= int(aspect.min_height * height)
        assert x1 == min(x0 + int((y1 - y0) * aspect.ratio), width)
        assert x0 + aspect.min_height * height * aspect.ratio <= width


def test_wide_aspects_are_not_refused():
    """The published rule multiplied the width by the aspect: no 16:9 box ever passed."""
    names = [ASPECTS[number].name for number in draw(np.array([[1275.0, 715.0]])).aspects]
    share = {name: names.count(name) / len(names) for name in set(names)}
    assert share["16:9"] > 0.2
    assert share["3:2"] > 0.2


def test_points_keep_the_margin_strictly():
    draws = draw(margin=15.0)
    assert len(draws.boxes) > 20
    x0, y0, x1, y1 = draws.boxes.T[:, :, None]
    x, y = POINTS.T
    gap = np.maximum.reduce([x0 - x, x - x1, y0 - y, y - y1])
    assert (gap > 15).all()
    assert (gap < 40).any()


def test_a_point_exactly_at_the_margin_is_too_near():
    box = draw().boxes[0]
    at_margin = np.array([[box[2] + 15.0, 300.0]])
    beyond = np.array([[box[2] + 15.5, 300.0]])
    assert not (draw(at_margin).boxes == box).all(axis=1).any()
    assert (draw(beyond).boxes == box).all(axis=1).any()


def test_an_object_across_the_middle_leaves_no_box():
    assert len(draw(np.array([[480.0, 360.0], [800.0, 360.0]])).boxes) == 0


def test_seed_decides_and_repeats():
    assert np.array_equal(draw(seed=5).boxes, draw(seed=5).boxes)
    assert not np.array_equal(draw(seed=5).boxes, draw(seed=6).boxes)


def test_boxes_that_touch_the_mask_are_dropped():
    mask = np.zeros((H, W), bool)
    mask[100, 500] = True
    before, over, beside = (0, 0, 500, 720), (0, 0, 501, 101), (501, 0, 900, 720)
    kept = without_leak(draws_of(before, over, beside), mask, margin=0)
    assert kept.boxes.tolist() == [list(before), list(beside)]
    assert without_leak(draws_of(before, beside), mask, margin=1).boxes.tolist() == []


def test_largest_are_kept_largest_last_and_stable():
    draws = draws_of((0, 0, 2, 2), (0, 0, 9, 9), (0, 0, 4, 1), (1, 1, 5, 2), (0, 0, 5, 5))
    kept = draws.keep(largest(draws, 3))
    assert kept.boxes.tolist() == [[1, 1, 5, 2], [0, 0, 5, 5], [0, 0, 9, 9]]
    assert len(largest(draws, 99)) == 5


def mask_at(x, *, shape=(72, 128)):
    mask = np.zeros(shape, bool)
    mask[30:40, max(0, x) : x + 10] = True
    return encode_mask(mask)


REGION = draws_of((200, 0, 600, 720))


def passes(*masks, left=None):
    return passes_of(REGION, masks, anchor=30, left=left, size=(W, H), inside_share=0.5)


def regions_of(*masks, left=None):
    (region,) = to_regions(REGION, passes(*masks, left=left), anchor=30)
    return region


def test_a_region_counts_only_when_it_is_entered_for_long_enough():
    out, inside = mask_at(80), mask_at(40)
    assert entered(passes(out, out, inside, inside), min_inside=2, min_outside=2).all()
    assert not entered(passes(out, out, inside, inside), min_inside=3, min_outside=2).any()
    assert not entered(passes(out, inside, inside), min_inside=2, min_outside=2).any()
    assert not entered(passes(out, out), min_inside=0, min_outside=1).any()


def test_entry_and_exit_of_a_region():
    # The region is columns 20 to 60 of the mask's grid; half of 10 columns must be inside.
    region = regions_of(mask_at(80), mask_at(56), mask_at(55), mask_at(40), mask_at(14))
    assert (region.enter_frame, region.exit_frame) == (32, 34)
    assert (region.area, region.aspect) == (400 * 720, "16:9")


def test_a_region_that_is_never_entered_or_never_left():
    assert regions_of(mask_at(80), mask_at(70)).enter_frame is None
    assert regions_of(mask_at(80), mask_at(70), left=32).exit_frame is None
    stays = regions_of(mask_at(80), mask_at(40))
    assert (stays.enter_frame, stays.exit_frame) == (31, None)


def test_hidden_inside_is_still_inside_but_gone_is_outside():
    empty = encode_mask(np.zeros((72, 128), bool))
    hidden = regions_of(mask_at(80), mask_at(40), empty, mask_at(42))
    assert (hidden.enter_frame, hidden.exit_frame) == (31, None)
    gone = regions_of(mask_at(80), mask_at(40), empty, empty, left=32)
    assert (gone.enter_frame, gone.exit_frame) == (31, 32)
