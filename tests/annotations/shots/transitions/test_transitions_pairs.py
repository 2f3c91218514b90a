"""Two frames of one scene, and of two."""

import numpy as np
import pytest
from joined_shots import cut, letterboxed, reduced, shot

from clipmill.annotations.shots.transitions.pairs import FramePairs, normalised


def pairs_of(*frames) -> FramePairs:
    return FramePairs(reduced(cut(*frames)))


def test_motion_is_no_mismatch() -> None:
    pairs = pairs_of(shot(pan=8.0))
    assert pairs.difference(4, 5)[1] > 0.2
    assert pairs.mismatch(4, 5) < 0.1


@pytest.mark.parametrize("boxed", [False, True])
def test_another_scene_is_a_mismatch_also_between_bars(boxed) -> None:
    frames = cut(shot("china", num_frames=3), shot("motorcycle", num_frames=3))
    pairs = pairs_of(letterboxed(frames) if boxed else frames)
    assert pairs.mismatch(2, 3) > 0.6
    assert pairs.changed(2, 3) > 0.8
    assert pairs.mismatch(1, 2) < 0.1
    assert pairs.changed(1, 2) < 0.3


def test_bars_on_one_side_are_left_out() -> None:
    frames = shot(num_frames=2)
    pairs = pairs_of(frames[:1], letterboxed(frames[1:]))
    assert pairs.mismatch(0, 1) < 0.1
    assert pairs.changed(0, 1) < 0.3


def test_light_is_no_mismatch() -> None:
    frames = shot(num_frames=2)
    pairs = pairs_of(frames[:1], (frames[1:] * 0.4 + 20).astype(np.uint8))
    assert pairs.difference(0, 1)[0] > 20
    assert pairs.mismatch(0, 1) < 0.1


def test_normalised_pictures_have_one_brightness_and_contrast() -> None:
    picture = shot(num_frames=1)[0, ..., 1]
    for changed in (picture, (picture * 0.3).astype(np.uint8)):
        result = normalised(changed).astype(float)
        assert abs(result.mean() - 128) < 6
        assert abs(np.abs(result - result.mean()).mean() - 40) < 6
    assert normalised(np.full((4, 4), 7, np.uint8)).tolist() == [[128] * 4] * 4
