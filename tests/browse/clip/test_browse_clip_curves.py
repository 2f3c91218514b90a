"""Numbers over the frames of a clip."""

import numpy as np
import pytest
from counted_clips import LONG

from clipmill.annotations.shots.schema import ShotsRow
from clipmill.browse.clip.curves import MOST, camera_curve, seen_stretches, shot_curve
from clipmill.browse.clip.standing import ranking
from clipmill.browse.site import OpenRun
from clipmill.clips import Clip
from clipmill.store.codecs import encode_array

VIDEO = "0123456789abcdef"


def test_stretches_are_half_open_and_counted_from_the_clip():
    flags = np.array([1, 1, 0, 0, 1, 0, 1], bool)
    assert seen_stretches(flags, 10) == [[10, 12], [14, 15], [16, 17]]
    assert seen_stretches(np.zeros(3, bool), 0) == []


def test_no_peak_of_a_long_curve_is_lost():
    scores = np.zeros(50_000, np.float32)
    scores[[7, 31_013, 49_999]] = 0.9, 0.8, 0.7
    clip = Clip(VIDEO, 0, 50_000)
    curve = shot_curve(ShotsRow(encode_array(scores), 0.5, 50_000), clip, clip, threshold=None)
    assert len(curve["scores"]) <= MOST
    assert sorted(s for s in curve["scores"] if s)[::-1] == pytest.approx([0.9, 0.8, 0.7])
    assert curve["cuts"] == [7, 31_013, 49_999]


def test_a_transition_is_one_cut_and_the_split_may_have_its_own_threshold():
    scores = np.array([0, 0, 0.6, 0.7, 0.6, 0, 0.4, 0], np.float32)
    whole = Clip(VIDEO, 100, 108)
    row = ShotsRow(encode_array(scores), 0.5, 8)
    assert shot_curve(row, whole, whole, threshold=None)["cuts"] == [4]
    assert shot_curve(row, whole, whole, threshold=0.3)["cuts"] == [4, 6]
    part = shot_curve(row, whole, Clip(VIDEO, 104, 108), threshold=None)
    assert part["cuts"] == [0]
    assert part["scores"] == pytest.approx([0.6, 0, 0.4, 0])


def test_the_camera_turns_right_and_goes_ahead(counted, ids):
    run = OpenRun.open(str(counted / "workspace"))
    clip = f"{ids['long.mp4']}-000000-{LONG:06d}"
    row = run.context.stages["camera"].table.read([clip])[clip]
    path = camera_curve(row)
    at = path["frames"].index(310)
    assert path["yaw"][at] == pytest.approx(20 * np.sin(310 / 200), abs=0.01)
    assert path["pitch"][at] == pytest.approx(0, abs=0.01)
    assert path["travel"][at] == pytest.approx([0, 0, 3.1], abs=0.01)


def test_the_ranking_names_who_stands_beside_the_cut(counted, ids):
    run = OpenRun.open(str(counted / "workspace"))
    clip = Clip.parse(f"{ids['cut.mp4']}-000120-000300")
    found = ranking(run, clip, "quality.clarity")
    assert (found["place"], found["count"]) == (3, 6)
    assert [item["value"] for item in found["around"]] == [
        "50",
        "212",
        "218",
        "225",
        "226",
        "1,208",
    ]
    assert [item["own"] for item in found["around"]] == [False, False, True, False, False, False]
    (cut,) = found["cuts"]
    assert [item["clip"][:16] for item in cut["dropped"]] == [ids["blurred.mp4"]]
    assert [item["kept"] for item in cut["kept"]] == [True] * 4
    assert ranking(run, clip, "no.such") is None
