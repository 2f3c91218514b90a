"""What the shot split makes of scores: clips with their place in the video."""

import numpy as np

from clipmill.clips import Clip
from clipmill.config import ShotsSplit
from clipmill.pipeline.steps.cutting.shot_ranges import cut_shots
from clipmill.store.codecs import encode_array

PARENT = Clip("0123456789abcdef", 100, 140)


def parts(scores: dict[int, float], **settings) -> list[tuple[int, int]]:
    array = np.zeros(40, np.float32)
    for frame, score in scores.items():
        array[frame] = score
    step = ShotsSplit(split="shots", **{"min_frames": 5, **settings})
    found = cut_shots(encode_array(array), 0.5, 40, step)
    return [(PARENT.start + first, PARENT.start + end) for first, end in found]


def test_a_hard_cut_gives_two_clips_without_a_gap() -> None:
    assert parts({20: 0.9}) == [(100, 120), (120, 140)]


def test_frames_of_a_dissolve_are_in_no_clip() -> None:
    run = dict.fromkeys(range(15, 24), 0.6) | {19: 0.61}
    assert parts(run) == [(100, 115), (123, 140)]


def test_an_opening_fade_is_in_no_clip() -> None:
    assert parts(dict.fromkeys(range(1, 11), 0.6)) == [(110, 140)]


def test_a_closing_fade_is_in_no_clip() -> None:
    assert parts(dict.fromkeys(range(30, 40), 0.6)) == [(100, 130)]


def test_a_higher_threshold_leaves_the_clip_whole() -> None:
    assert parts({20: 0.6}, threshold=0.7) == [(100, 140)]


def test_short_shots_and_shots_beyond_the_limit_are_left_out() -> None:
    assert parts({3: 0.9, 20: 0.9}) == [(103, 120), (120, 140)]
    assert parts({20: 0.9}, max_shots=1) == [(100, 120)]
