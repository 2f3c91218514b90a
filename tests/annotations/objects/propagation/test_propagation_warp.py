from itertools import pairwise

import numpy as np
import pytest
from red_ball import Film, film_store, straight

from clipmill.annotations.objects.propagation.trail import Trail
from clipmill.annotations.objects.propagation.warp import carry_mask
from clipmill.vision.masks import overlap

MOVING = Film((straight(70, 90, 3),), length=30)
LEAVING = Film((straight(260, 90, 4),), length=30)
STILL = Film((straight(160, 90, 0),), length=12)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return film_store(tmp_path_factory.mktemp("warp"))


def soft(mask):
    return mask.astype(np.float32)


def carried(frames, mask, span, *, trail=False):
    """Carry a mask over the frames of a span; with what is left behind taken away if asked."""
    here, behind = soft(mask), Trail(*mask.shape)
    masks = [mask]
    for t, after in pairwise(span):
        before = here > 0.5
        here, _ = carry_mask(frames, here, t, after)
        if trail:
            here[behind.advance(frames, before, t, after)] = 0
        masks.append(here > 0.5)
    return masks


def test_a_mask_goes_along_by_a_frame(clip):
    frames = clip(MOVING)
    after, share = carry_mask(frames, soft(MOVING.masks(5)[0]), 5, 6)
    assert overlap(after > 0.5, MOVING.masks(6)[0]) > 0.9
    assert share > 0.8
    assert after.dtype == np.float32
    assert 0 <= after.min() <= after.max() <= 1


def test_and_back_in_time(clip):
    after, _ = carry_mask(clip(MOVING), soft(MOVING.masks(6)[0]), 6, 5)
    assert overlap(after > 0.5, MOVING.masks(5)[0]) > 0.9


def test_nothing_changes_where_nothing_moves(clip):
    mask = STILL.masks(0)[0]
    assert overlap(carried(clip(STILL), mask, range(12))[-1], mask) > 0.98


def test_a_mask_leaves_the_picture_with_its_thing(clip):
    frames = clip(LEAVING)
    areas = [m.sum() for m in carried(frames, LEAVING.masks(0)[0], range(30), trail=True)]
    true = [LEAVING.masks(t)[0].sum() for t in range(30)]
    assert true[-1] == 0
    assert areas[15] < 1.3 * true[15]
    # A last strip may hang on; it looks like something else, which the next look sees.
    assert areas[-1] < 0.4 * areas[0]


def test_an_empty_mask_and_a_speck_can_be_carried(clip):
    frames = clip(MOVING)
    nothing = np.zeros((180, 320), np.float32)
    after, share = carry_mask(frames, nothing, 5, 6)
    assert not after.any()
    assert share == 0
    speck = nothing.copy()
    speck[10, 10:13] = 1
    after, _ = carry_mask(frames, speck, 5, 6)
    assert after.shape == (180, 320)


def test_what_is_dragged_along_and_lost_does_not_stay_in_the_mask(clip):
    frames, span = clip(MOVING), range(30)
    truth = MOVING.masks(29)[0]
    with_it = carried(frames, MOVING.masks(0)[0], span)[-1]
    without = carried(frames, MOVING.masks(0)[0], span, trail=True)[-1]
    assert (with_it & ~truth).sum() > 0.3 * truth.sum(), "this scene drags nothing along"
    assert (without & ~truth).sum() < 0.5 * (with_it & ~truth).sum()
    assert (without & truth).sum() > 0.95 * (with_it & truth).sum(), "it eats up the thing"


def test_a_thing_at_rest_leaves_nothing_behind(clip):
    frames = clip(STILL)
    mask = STILL.masks(0)[0]
    trail = Trail(*mask.shape)
    assert not any(trail.advance(frames, mask, t, t + 1).any() for t in range(11))


def test_a_background_that_cannot_be_seen_is_no_reason_to_cut(clip):
    frames = clip(MOVING)
    everything = np.ones((180, 320), bool)
    trail = Trail(*everything.shape)
    assert not any(trail.advance(frames, everything, t, t + 1).any() for t in range(10))
    nothing = ~everything
    assert not trail.advance(frames, nothing, 10, 11).any()


def test_what_stands_is_cut_once_the_thing_has_moved_on(clip):
    frames = clip(MOVING)
    ball = MOVING.masks(0)[0]
    strip = np.zeros_like(ball)
    strip[70:110, 20:34] = True
    trail = Trail(*ball.shape)
    cut = [trail.advance(frames, MOVING.masks(t)[0] | strip, t, t + 1) for t in range(6)]
    assert not cut[0].any(), "three pixels are within what flow can tell"
    assert (cut[-1] & strip).sum() > 0.8 * strip.sum()
    assert (cut[-1] & MOVING.masks(6)[0]).sum() < 0.1 * ball.sum()
