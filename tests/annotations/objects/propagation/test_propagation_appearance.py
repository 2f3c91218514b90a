import cv2
import numpy as np
import pytest

from clipmill.annotations.objects.propagation.appearance import Appearance, colours

RNG = np.random.default_rng(0)
RED, ROSE, GREY, GREEN = (190, 40, 40), (190, 60, 70), (120, 120, 120), (60, 130, 60)


def lab_of(*patches, ground=(70, 80, 150), noise=12):
    """Return patches of noisy colours on a ground, in L*a*b*, and the mask of each."""
    height, width = 60, 20 + 50 * len(patches)
    rgb = np.full((height, width, 3), ground, float)
    masks = []
    for number, colour in enumerate(patches):
        mask = np.zeros((height, width), bool)
        mask[10:50, 15 + 50 * number : 55 + 50 * number] = True
        rgb[mask] = colour
        masks.append(mask)
    rgb = np.clip(rgb + RNG.normal(0, noise, rgb.shape), 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.uint8), masks


def rows(mask, count):
    """Return the first rows of a patch."""
    part = mask.copy()
    part[10 + count :] = False
    return part


def at_edge(mask):
    """Return a patch moved to the picture's lower edge."""
    return np.roll(mask, 10, axis=0)


def test_histograms_add_up_to_one_and_a_speck_has_none():
    lab, (red, _) = lab_of(RED, GREY)
    found = colours(lab, red)
    assert found is not None
    assert found.sum() == pytest.approx(1)
    speck = np.zeros_like(red)
    speck[0, :7] = True
    assert colours(lab, speck) is None


def test_a_thing_is_like_itself_and_unlike_what_has_other_colours():
    lab, (red, grey, green) = lab_of(RED, GREY, GREEN)
    known = Appearance(lab, red)
    assert known.likeness(lab, red) == pytest.approx(1)
    later, (again, *_) = lab_of(RED, GREY, GREEN)
    assert known.likeness(later, again) > 0.9
    assert known.likeness(lab, grey) < 0.2
    assert known.likeness(lab, green) < 0.2
    assert known.likeness(lab, red & grey) == 0


def test_what_is_half_something_else_is_half_like_it():
    lab, (red, grey) = lab_of(RED, GREY)
    assert 0.6 < Appearance(lab, red).likeness(lab, red | grey) < 0.8


def test_a_mask_shows_the_thing_or_a_part_of_it_or_something_else():
    lab, (red, grey) = lab_of(RED, GREY)
    known = Appearance(lab, red)
    assert known.is_at(lab, red)
    assert known.is_at(lab, rows(red, 8)), "half hidden"
    assert not known.is_at(lab, grey)
    assert not known.is_at(lab, red & grey)
    beside = np.roll(red, 26, axis=1)
    assert not known.is_at(lab, beside), "most of it is ground"


def test_dull_colours_are_told_apart():
    """Most of what is filmed is dull: stone, skin, wood, cloth, grass in the shade."""
    lab, (stone, skin, shade) = lab_of((125, 122, 118), (150, 122, 105), (105, 118, 98), noise=4)
    known = Appearance(lab, skin)
    assert known.is_at(lab, skin)
    assert not known.is_at(lab, stone)
    assert not known.is_at(lab, shade)


def test_ground_that_looks_like_the_thing_is_ground_where_there_is_more_of_it():
    """A thing whose colours the ground has as well: it must stand out of what lies about it."""
    mixed = RNG.random((60, 220)) < 0.35
    lab, (thing, ground) = lab_of(RED, RED, ground=RED)
    grey, _ = lab_of(GREY, GREY, ground=GREY)
    width = lab.shape[1]
    lab[mixed[:, :width] & ~thing] = grey[mixed[:, :width] & ~thing]
    known = Appearance(lab, thing)
    assert known.likeness(lab, ground) > 0.75
    assert known.is_at(lab, thing)
    assert not known.is_at(lab, ground)


def test_a_thing_that_covers_the_picture_has_nothing_about_it():
    lab, (red,) = lab_of(RED, ground=RED)
    everything = np.ones_like(red)
    assert Appearance(lab, everything).is_at(lab, everything)


def test_a_change_of_light_is_survived():
    day, (mask,) = lab_of((150, 75, 60), noise=6)
    dusk, _ = lab_of((128, 64, 51), noise=6)
    known = Appearance(day, mask)
    assert known.likeness(dusk, mask) > 0.5
    assert known.is_at(dusk, mask)


@pytest.mark.parametrize(
    ("count", "fit"), [(8, 1.0), (4, 1.0), (16, 1.0), (2, 0.5), (32, 0.5), (0, 0.0)]
)
def test_half_and_twice_the_size_still_fit(count, fit):
    lab, (red,) = lab_of(RED)
    assert Appearance(lab, rows(red, 8)).size_fit(rows(red, count)) == pytest.approx(fit, abs=1e-3)


def test_a_thing_that_is_cut_by_the_edge_may_be_of_any_size_beyond():
    lab, (red,) = lab_of(RED)
    sliver = at_edge(red) & ~np.roll(at_edge(red), -5, axis=0)
    known = Appearance(lab, sliver)
    assert known.size_fit(red) == 1
    known.learn(lab, red)
    assert known.area == red.sum()
    assert known.size_fit(sliver) < 0.3, "its size is known now"


def test_of_a_thing_that_grows_at_the_edge_only_the_size_is_learned():
    lab, (red,) = lab_of(RED)
    known = Appearance(lab, at_edge(red) & ~np.roll(at_edge(red), -5, axis=0))
    before = known.likeness(lab, at_edge(red))
    known.learn(lab, at_edge(red))
    assert known.area == at_edge(red).sum()
    assert known.likeness(lab, at_edge(red)) == before


def test_learning_is_slow_and_the_first_look_is_never_forgotten():
    lab, (red, rose, grey) = lab_of(RED, ROSE, GREY)
    known = Appearance(lab, red)
    before = known.likeness(lab, grey)
    known.learn(lab, grey)
    assert before < known.likeness(lab, grey) < 0.4
    for _ in range(60):
        known.learn(lab, grey)
    assert known.is_at(lab, red), "a mistake that was learned takes over"
    changed = Appearance(lab, red)
    for _ in range(60):
        changed.learn(lab, rose)
    assert changed.likeness(lab, rose) > Appearance(lab, red).likeness(lab, rose)


def test_size_is_learned_too():
    lab, (red,) = lab_of(RED)
    known = Appearance(lab, rows(red, 4))
    for _ in range(60):
        known.learn(lab, red)
    assert known.size_fit(red) == 1


def test_a_speck_teaches_nothing():
    lab, (red,) = lab_of(RED)
    known = Appearance(lab, red)
    known.learn(lab, rows(red, 0))
    assert known.likeness(lab, red) == pytest.approx(1)
    assert known.area == red.sum()
