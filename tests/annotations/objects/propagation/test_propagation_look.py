import cv2
import numpy as np
import pytest
from red_ball import Film, frames_of_film, redness, straight

from clipmill.annotations.objects.propagation.appearance import Appearance
from clipmill.annotations.objects.propagation.growth import standing, without_bystanders
from clipmill.annotations.objects.propagation.look import look_again, own_components, see_crop
from clipmill.vision.masks import grow, overlap, shrink

FILM = Film((straight(80, 90, 3), lambda frame: (250, 90)), length=12)
"""A ball that moves towards one that stands."""

FRAME = 5
MOVER, STANDER = FILM.masks(FRAME)


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    return frames_of_film(tmp_path_factory.mktemp("look") / "film.mp4", FILM)


def known_of(frames, mask, frame=0):
    return Appearance(np.asarray(cv2.cvtColor(frames.small(frame), cv2.COLOR_RGB2LAB)), mask)


def look(frames, carried, network, *, sure=1.0):
    soft = carried.astype(np.float32)
    known = known_of(frames, FILM.masks(0)[0])
    return look_again(frames, FRAME, soft, known, network, sure=sure)


def nothing(picture):
    return np.zeros(picture.shape[:2], np.float32)


def everything(picture):
    return np.ones(picture.shape[:2], np.float32)


def test_a_crop_is_seen_at_its_place_and_nothing_outside(frames):
    sizes = []

    def network(picture):
        sizes.append(picture.shape)
        return redness(picture)

    seen = see_crop(frames, FRAME, MOVER, network)
    assert overlap(seen > 0.5, MOVER) > 0.95
    assert not seen[:, 200:].any(), "the other ball lies outside of the crop"
    assert sizes == [(85, 85, 3)], "a quarter of its size on each side"


def test_a_thing_that_is_cut_by_the_crop_is_seen_whole(frames):
    part = MOVER.copy()
    part[:, 90:] = False
    assert part.sum() < 0.4 * MOVER.sum()
    assert overlap(see_crop(frames, FRAME, part, redness) > 0.5, MOVER) > 0.95


def test_looking_for_a_larger_crop_ends(frames):
    asked = []

    def network(picture):
        asked.append(picture.shape)
        return everything(picture)

    assert see_crop(frames, FRAME, MOVER, network).any()
    assert len(asked) <= 4


@pytest.mark.parametrize(
    "carried",
    [shrink(MOVER, 6), grow(MOVER, 6), np.roll(MOVER, 12, axis=1), np.roll(MOVER, -9, axis=0)],
    ids=["too small", "too large", "ahead", "above"],
)
def test_a_mask_that_went_wrong_is_mended(frames, carried):
    found = look(frames, carried, redness)
    assert overlap(found.mask, MOVER) > 0.9
    assert found.likeness > 0.9
    assert 0 <= found.soft.min() <= found.soft.max() <= 1


@pytest.mark.parametrize("network", [nothing, everything])
def test_a_network_that_sees_something_else_does_no_harm(frames, network):
    found = look(frames, MOVER, network)
    assert overlap(found.mask, MOVER) > 0.85
    assert found.likeness > 0.9


def test_where_the_thing_is_not_nothing_is_like_it(frames):
    place = np.roll(MOVER, 90, axis=1) & ~STANDER
    found = look(frames, place, redness)
    assert found.likeness < 0.6


@pytest.mark.parametrize(
    "carried", [shrink(MOVER, 3), np.roll(MOVER, 3, axis=1), np.roll(MOVER, -5, axis=0)]
)
def test_colours_fit_the_edge_where_there_is_no_network(frames, carried):
    found = look(frames, carried, None)
    assert overlap(found.mask, MOVER) > max(0.88, overlap(carried, MOVER) + 0.05)


@pytest.mark.parametrize("carried", [MOVER, grow(MOVER, 3)], ids=["right", "too large"])
def test_colours_that_fit_worse_are_not_taken(frames, carried):
    found = look(frames, carried, None)
    assert overlap(found.mask, MOVER) >= overlap(carried, MOVER) - 0.01


def test_looks_repeat_to_the_byte(frames):
    carried = np.roll(MOVER, 8, axis=1)
    cv2.setRNGSeed(7)
    first = look(frames, carried, None).soft.tobytes()
    cv2.setRNGSeed(99)
    assert look(frames, carried, None).soft.tobytes() == first


def test_components_that_lie_elsewhere_are_not_its_own():
    found = MOVER | STANDER
    assert np.array_equal(own_components(found, MOVER), MOVER)
    assert not own_components(STANDER, MOVER).any()
    bridge = found.copy()
    bridge[88:92, 80:260] = True
    assert np.array_equal(own_components(bridge, MOVER), bridge), "one piece belongs to it"


def test_what_stands_beside_a_mover_is_no_part_of_it(frames):
    bridge = MOVER | STANDER
    kept = without_bystanders(frames, FRAME, bridge, MOVER)
    assert overlap(kept, MOVER) > 0.9
    assert not (kept & STANDER).any()


def test_what_was_dragged_along_goes_with_what_it_belongs_to(frames):
    """Look by look a flow drags along a strip of what the thing passes."""
    strip = STANDER & (np.cumsum(STANDER.any(axis=0)) <= 12)[None]
    bridge = MOVER | STANDER
    kept = without_bystanders(frames, FRAME, bridge, MOVER | strip)
    assert not (kept & STANDER).any()
    assert overlap(kept, MOVER) > 0.9


def test_what_moves_along_is_part_of_it(frames):
    half = MOVER.copy()
    half[:, 95:] = False
    assert np.array_equal(without_bystanders(frames, FRAME, MOVER, half), MOVER)


def test_nothing_is_taken_from_a_thing_at_rest(frames):
    half = STANDER.copy()
    half[:, 250:] = False
    assert np.array_equal(without_bystanders(frames, FRAME, STANDER, half), STANDER)
    assert np.array_equal(without_bystanders(frames, FRAME, STANDER, STANDER), STANDER)


def test_the_part_of_a_mask_that_stands_is_told_while_the_rest_moves(frames):
    still = standing(frames, FRAME, MOVER | STANDER)
    assert (still & STANDER).sum() > 0.9 * STANDER.sum()
    assert (still & MOVER).sum() < 0.1 * MOVER.sum()
    assert not standing(frames, FRAME, STANDER).any(), "nothing of it moves"
    assert not standing(frames, FRAME, np.zeros_like(MOVER)).any()
    last = standing(frames, len(frames) - 1, FILM.masks(11)[0] | STANDER)
    assert (last & STANDER).sum() > 0.9 * STANDER.sum()
