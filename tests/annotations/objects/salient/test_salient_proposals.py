"""Which of what stands out moves on its own, over films whose truth is known."""

import cv2
import numpy as np
import pytest
from red_ball import Film, redness, straight

from clipmill.annotations.objects.carried import CarriedObjectsConfig
from clipmill.annotations.objects.moving.movers import Mover, measure_motion
from clipmill.annotations.objects.salient.own_motion import own_motion
from clipmill.annotations.objects.salient.proposals import from_crops, from_motion, from_network
from clipmill.vision.dense_flow import FlowEstimator
from clipmill.vision.masks import grow, overlap

LIMITS = CarriedObjectsConfig().limits
FRAME = 12
MOVES_AND_STANDS = Film((straight(40, 50, 3), lambda frame: (240, 120)), length=25)
PAN = Film((lambda frame: (150 - 2 * frame + 40, 60), straight(120, 125, 1)), length=25, pan=2.0)
"""The first ball goes along with the background, as a thing that stands before a turning camera."""

ALONE = {"movers": list, "look": np.zeros_like}
"""Nothing touches anything else."""


def seen(film):
    """Return what the network sees at a frame, its motion, and the true masks."""
    pictures = list(film.pictures())
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in pictures]
    near = {step: grey[FRAME + step] for step in (-12, -6, -3, -1, 1, 3, 6, 12)}
    motion = measure_motion(grey[FRAME], near, FlowEstimator(), LIMITS)
    assert motion is not None
    return redness(pictures[FRAME]), motion, film.masks(FRAME)


@pytest.fixture(scope="module", params=[MOVES_AND_STANDS, PAN], ids=["still", "panning"])
def sight(request):
    """What is seen, its motion, the mask of the mover and that of the ball that stands."""
    soft, motion, masks = seen(request.param)
    mover, stander = masks if request.param is MOVES_AND_STANDS else masks[::-1]
    return soft, motion, mover, stander


def test_what_moves_on_its_own_is_told_from_what_stands(sight):
    soft, motion, mover, stander = sight
    assert own_motion(mover, motion).share > 0.8
    assert own_motion(stander, motion).share < 0.05
    (found,) = from_network(soft, motion, LIMITS, **ALONE)
    assert overlap(found.mask, mover) > 0.9
    assert found.confidence > 0.8
    assert not found.soft[~mover & grow(stander, 3)].any()


def touching(soft, mover, stander):
    """Return what a network sees to which both are one thing."""
    bridged = soft.copy()
    top, bottom = (int(np.nonzero(ball)[0].mean()) for ball in (mover, stander))
    left, right = (int(np.nonzero(ball)[1].mean()) for ball in (mover, stander))
    line = cv2.line(np.zeros(soft.shape, np.uint8), (left, top), (right, bottom), 1, 9)
    bridged[line > 0] = 1
    return bridged


def test_a_mover_is_taken_out_of_what_it_touches(sight):
    soft, motion, mover, stander = sight
    one = touching(soft, mover, stander)

    def look(mask):
        return one * grow(mask, 9)

    (found,) = from_network(one, motion, LIMITS, movers=lambda: [Mover(mover, 3.0, 0.7)], look=look)
    assert overlap(found.mask, mover) > 0.9
    assert not (found.mask & stander).any()


@pytest.mark.parametrize("confidence", [0.1, 0.7])
def test_a_limb_stays_with_its_body(sight, confidence):
    """The network shows the body in the crop of the limb too, or motion is not sure of it."""
    soft, motion, mover, stander = sight
    one = touching(soft, mover, stander)
    whole = lambda mask: one if confidence > 0.5 else one * grow(mask, 9)  # noqa: E731
    (found,) = from_network(
        one, motion, LIMITS, movers=lambda: [Mover(mover, 3.0, confidence)], look=whole
    )
    assert (found.mask & stander).sum() > 0.9 * stander.sum()


def test_speed_is_against_what_lies_about_it(sight):
    _, motion, mover, _ = sight
    # Three pixels a frame. Flow falls short of the motion of small things with little texture.
    assert 1.8 < own_motion(mover, motion).speed < 3.2


def test_limits_of_size_are_kept(sight):
    soft, motion, mover, _ = sight
    share = mover.mean()
    small = type(LIMITS)(LIMITS.min_speed, 1.2 * share, 0.8, 0.02)
    large = type(LIMITS)(LIMITS.min_speed, 0.001, 0.8 * share, 0.02)
    assert from_network(soft, motion, small, **ALONE) == []
    assert from_network(soft, motion, large, **ALONE) == []


def test_movers_of_motion_alone_must_move_against_their_surroundings(sight):
    _, motion, mover, stander = sight
    movers = [Mover(mover, 3.0, 0.7), Mover(stander, 0.5, 0.6)]
    (found,) = from_motion(movers, motion)
    assert np.array_equal(found.mask, mover)
    assert (found.confidence, found.speed) == (0.7, 3.0)


def test_a_crop_must_confirm_what_only_motion_shows(sight):
    soft, motion, mover, _ = sight
    nothing = np.zeros_like(mover)
    moved = [Mover(mover, 3.0, 0.7)]
    (found,) = from_crops(moved, nothing, lambda mask: soft * grow(mask, 9), motion, LIMITS)
    assert overlap(found.mask, mover) > 0.9
    blind = lambda mask: np.zeros_like(soft)  # noqa: E731
    assert from_crops(moved, nothing, blind, motion, LIMITS) == []
    known = mover.copy()
    known[:, : int(np.nonzero(mover)[1].mean())] = False
    assert from_crops(moved, known, lambda mask: soft, motion, LIMITS) == []
    doubtful = [Mover(mover, 3.0, 0.1)]
    assert from_crops(doubtful, nothing, lambda mask: soft, motion, LIMITS) == []


def test_what_cannot_be_compared_does_not_move(sight):
    _, motion, mover, _ = sight
    everywhere = np.ones_like(mover)
    assert own_motion(everywhere, motion).share == 0
