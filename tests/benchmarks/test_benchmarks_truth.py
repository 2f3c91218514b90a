"""The figures of real videos, on rows whose figures can be told by hand."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clipmill.config import AnnotateStep, SamplesStep, SelectStep, load_profile

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
HEIGHT, WIDTH, LENGTH = 60, 80, 6


@pytest.fixture(autouse=True)
def _on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)


def square(x, y=20, side=20):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + side, x : x + side] = True
    return mask


def truth(**fields):
    from truth.truths import Truth

    masks = np.stack([square(20)] * LENGTH)
    return Truth(**{"name": "v", "kind": "davis", "masks": masks} | fields)


def found(*objects, **fields):
    from truth.found import FoundVideo

    return FoundVideo(size=(HEIGHT, WIDTH), objects=list(objects), **fields)


def thing(x, *, name="o", points=None, visible=None, **fields):
    from truth.found import FoundObject

    return FoundObject(name, 0, square(x), points, visible, **fields)


def figures(true, said):
    from truth.measure import measure
    from truth.pool import Pool

    pool = Pool()
    measure(true, said, pool)
    return {figure.name: figure for figure in pool.figures()}


def test_a_shifted_object_is_found_and_its_overlap_told():
    got = figures(truth(), found(thing(25, masks={0: square(0), 1: square(20), 2: square(30)})))
    assert got["found"].value == 1
    assert got["J anchor"].value == pytest.approx(15 / 25)
    # the anchor's own mask does not count
    assert got["J time"].value == pytest.approx((1 + 10 / 30) / 2)
    assert got["J time"].passed is False


def test_an_object_elsewhere_lowers_precision_and_finds_nothing():
    got = figures(truth(), found(thing(60), samples=1, sampled={"o"}))
    assert got["found"].value == 0
    assert got["J anchor"].value == 0
    assert got["precision"].value == 0
    assert (got["samples"].value, got["right samples"].value) == (1, 0)


def test_a_sample_of_another_object_is_not_right():
    objects = thing(20), thing(60, name="other")
    assert figures(truth(), found(*objects, samples=1, sampled={"o"}))["right samples"].value == 1
    assert (
        figures(truth(), found(*objects, samples=1, sampled={"other"}))["right samples"].value == 0
    )


def test_hidden_points_count_as_not_visible_and_strays_as_off_the_object():
    points = np.full((LENGTH, 4, 2), 30, np.float32)
    points[:, 3] = (70, 5)
    visible = np.ones((LENGTH, 4), bool)
    visible[:, 0] = False
    got = figures(truth(), found(thing(20, points=points, visible=visible)))
    assert got["visible"].value == pytest.approx(3 / 4)
    assert got["on object"].value == pytest.approx(2 / 3)


def test_joints_go_with_the_point_beside_them():
    from truth.truths import Joints

    xy = np.array([[[30, 30], [25, 25]], [[36, 30], [25, 25]]], float)
    joints = Joints(np.array([0, 5]), xy, np.ones((2, 2), bool))
    points = np.zeros((LENGTH, 2, 2), np.float32)
    points[:, 0], points[:, 1] = (31, 30), (25, 26)
    said = found(thing(20, points=points, visible=np.ones((LENGTH, 2), bool)))
    # one stays where its joint goes 6 px on; a tenth of the object's size is 2 px
    assert figures(truth(joints=joints), said)["joints, PCK@0.1"].value == pytest.approx(0.5)


@pytest.mark.parametrize(("said", "right"), [(12, 1), (13, 1), (14, 0), (None, 0)])
def test_an_entry_counts_within_three_frames(said, right):
    true = truth(kind="crop", enter=10)
    got = figures(true, found(thing(20, enter=said)))
    assert got["enter within 3"].value == right
    assert got["exit within 3"].value is None


def test_cuts_serve_once_and_transitions_are_no_false_cuts():
    true = truth(kind="cuts", masks=None, cuts=(10, 50), gradual=((20, 30, "fade"),))
    got = figures(true, found(cuts=[9, 11, 25, 70]))
    assert got["hard cuts, F1"].text == "0.40 (precision 0.33, recall 0.50)"
    assert got["fades"].value == 1
    assert got["dissolves"].value is None
    assert (got["false cuts"].value, got["false cuts"].passed) == (2, False)


def test_a_turn_is_compared_per_frame():
    def about_y(degrees):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])

    true = truth(kind="rooms", masks=None, rotations=np.stack([about_y(t) for t in range(LENGTH)]))
    said = np.stack([about_y(0), about_y(3 * 1.1)])
    got = figures(true, found(cameras=[(np.array([0, 3]), said)]))
    assert got["rotation, deg/frame"].value == pytest.approx(0.1, abs=1e-6)
    assert got["true turn, deg/frame"].value == pytest.approx(1)


@pytest.mark.parametrize("profile", ["cpu", "embedded", "frameino"])
def test_a_relaxed_profile_measures_the_same_and_judges_objects_only(profile):
    from truth.relaxed import relaxed

    before, after = load_profile(profile), relaxed(load_profile(profile))

    def annotated(pipeline):
        steps = [step for step in pipeline.steps if isinstance(step, AnnotateStep)]
        return sorted(steps, key=lambda step: step.annotate)

    assert annotated(after) == annotated(before)
    names = [getattr(step, "annotate", getattr(step, "select", "")) for step in after.steps]
    assert names.index("camera") < names.index("tracks")
    selected = {step.select for step in after.steps if isinstance(step, SelectStep)}
    assert selected <= {"damage", "objects", "cycle"}
    (samples,) = (step for step in after.steps if isinstance(step, SamplesStep))
    assert samples.stage2_min_frames == 24


def test_a_folder_without_truth_is_refused_before_any_work(tmp_path):
    command = [sys.executable, BENCHMARKS / "real_truth.py", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "truth/*.json" in done.stderr
