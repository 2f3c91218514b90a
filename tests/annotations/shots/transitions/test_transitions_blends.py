"""Mixtures of two shots against motion, wipes and light."""

import numpy as np
import pytest
from joined_shots import cut, dissolve, reduced, shot

from clipmill.annotations.shots.transitions.blends import LENGTHS, find_blends, products_of


def blends(frames):
    return find_blends(products_of(reduced(frames)))


@pytest.mark.parametrize("count", [1, 2, 5, 8, 12, 16])
def test_the_window_around_a_dissolve_fits_best(count) -> None:
    found = blends(dissolve(shot("china"), shot("motorcycle"), count))
    best = max(found, key=lambda blend: blend.evidence * blend.distance)
    assert best.evidence > 1.2
    assert abs(best.before - (30 - count - 1)) <= 1
    assert abs(best.after - 30) <= 1


@pytest.mark.parametrize("pan", [0.0, 4.0, 16.0])
def test_motion_does_not_fit(pan) -> None:
    assert blends(shot("motorcycle", num_frames=60, pan=pan)) == []


def test_a_hard_cut_does_not_fit() -> None:
    assert blends(cut(shot("china", pan=6.0), shot("motorcycle", pan=6.0))) == []


def test_a_wipe_does_not_fit() -> None:
    old, new = shot("china", pan=0.0), shot("motorcycle", pan=0.0)
    frames = old.copy()
    for frame in range(9, 30):
        edge = min(320, (frame - 8) * 25)
        frames[frame, :, :edge] = new[frame, :, :edge]
    assert blends(frames) == []


def test_light_that_changes_does_not_fit() -> None:
    gain = np.interp(np.arange(30), (8, 20), (1.0, 0.4))[:, None, None, None]
    assert blends((shot("china") * gain).astype(np.uint8)) == []


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_clip_shorter_than_a_window_has_none(count) -> None:
    assert count < LENGTHS[0] + 2
    assert blends(shot()[:count]) == []


def test_products_do_not_depend_on_the_blocks_they_are_computed_in() -> None:
    frames = reduced(cut(*[shot("china", pan=3.0)] * 10))
    products, alone = products_of(frames), products_of(frames[250:300])
    np.testing.assert_allclose(products.colour[250:], alone.colour, rtol=1e-5)
    np.testing.assert_allclose(products.detail[250:], alone.detail, rtol=1e-5, atol=1e-3)
