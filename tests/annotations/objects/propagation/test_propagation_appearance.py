import cv2
import numpy as np
import pytest

from clipmill.annotations.objects.propagation.appearance import Appearance, colours

RNG = np.random.default_rng(0)


def lab_of(*colours_rgb, noise=12):
    """Return stripes of noisy colours, uint8 [40, 40 N, 3] in L*a*b*, and the mask of each."""
    rgb = np.concatenate([np.full((40, 40, 3), colour, float) for colour in colours_rgb], axis=1)
    rgb = np.clip(rgb + RNG.normal(0, noise, rgb.shape), 0, 255).astype(np.uint8)
    masks = []
    for number in range(len(colours_rgb)):
        mask = np.zeros(rgb.shape[:2], bool)
        mask[:, 40 * number : 40 * number + 40] = True
        masks.append(mask)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB), np.uint8), masks


RED, ROSE, GREY, GREEN = (190, 40, 40), (190, 60, 70), (120, 120, 120), (60, 130, 60)


def test_histograms_add_up_to_one_and_a_speck_has_none():
    lab, (red, _) = lab_of(RED, GREY)
    assert colours(lab, red).sum() == pytest.approx(1)
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


def test_dull_colours_are_told_apart():
    """Most of what is filmed is dull: stone, skin, wood, cloth, grass in the shade."""
    lab, (stone, skin, shade) = lab_of((125, 122, 118), (150, 122, 105), (105, 118, 98), noise=4)
    known = Appearance(lab, skin)
    assert known.likeness(lab, stone) < 0.5
    assert known.likeness(lab, shade) < 0.5


def test_light_alone_changes_little():
    lab, (day, dusk) = lab_of((150, 75, 60), (128, 64, 51), noise=6)
    assert Appearance(lab, day).likeness(lab, dusk) > 0.5


def test_what_is_half_something_else_is_half_like_it():
    lab, (red, grey) = lab_of(RED, GREY)
    known = Appearance(lab, red)
    assert 0.6 < known.likeness(lab, red | grey) < 0.8


@pytest.mark.parametrize(
    ("share", "fit"), [(1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (0.25, 0.5), (4.0, 0.5), (0.0, 0.0)]
)
def test_half_and_twice_the_size_still_fit(share, fit):
    lab, (red, _) = lab_of(RED, GREY)
    known = Appearance(lab, _rows(red, 8))
    mask = _rows(red, round(8 * share))
    assert known.size_fit(mask) == pytest.approx(fit, abs=1e-3)


def _rows(mask, count):
    part = np.zeros_like(mask)
    part[:count] = mask[:count]
    return part


def test_learning_is_slow_and_the_first_look_is_never_forgotten():
    lab, (red, rose, grey) = lab_of(RED, ROSE, GREY)
    known = Appearance(lab, red)
    before = known.likeness(lab, grey)
    known.learn(lab, grey)
    assert before < known.likeness(lab, grey) < 0.4
    for _ in range(60):
        known.learn(lab, grey)
    assert known.likeness(lab, grey) < 0.6, "a mistake that was learned takes over"
    assert known.likeness(lab, red) > 0.45
    changed = Appearance(lab, red)
    for _ in range(60):
        changed.learn(lab, rose)
    assert changed.likeness(lab, rose) > Appearance(lab, red).likeness(lab, rose)


def test_size_is_learned_too():
    lab, (red, _) = lab_of(RED, GREY)
    known = Appearance(lab, _rows(red, 4))
    for _ in range(60):
        known.learn(lab, red)
    assert known.size_fit(red) == 1


def test_a_speck_teaches_nothing():
    lab, (red, grey) = lab_of(RED, GREY)
    known = Appearance(lab, red)
    known.learn(lab, grey & _rows(grey, 0))
    assert known.likeness(lab, red) == pytest.approx(1)
    assert known.area == red.sum()
