"""Bundle adjustment on trails of points whose camera is known."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from seen_points import SIZE, WIDTH, Filmed, film

from clipmill.annotations.camera.homography.rotation_zoom import Turn, fit_turn
from clipmill.annotations.camera.rotation import angle_of, rotation_matrices
from clipmill.annotations.camera.structure.adjust import Unknowns, adjust
from clipmill.annotations.camera.structure.evidence import (
    explained_by,
    has_travelled,
    turns_suffice,
)
from clipmill.annotations.camera.structure.path import TravelPath, travel_path
from clipmill.annotations.camera.structure.projection import (
    SparseScene,
    project,
    project_with_slopes,
)
from clipmill.annotations.camera.structure.sightings import Sightings
from clipmill.annotations.camera.structure.system import FocalPrior
from clipmill.annotations.camera.structure.windows import window_ranges

PRIOR = FocalPrior(0.9 * WIDTH, 0.3)


def turns_of(filmed: Filmed, focal: float) -> list[Turn]:
    """Return what pairs of frames give when travel is taken for turning."""
    width, height = SIZE
    turns = []
    for frame in range(len(filmed.trails) - 1):
        pair = filmed.trails.matches(frame)
        turns.append(fit_turn(pair.first, pair.second, focal=focal, width=width, height=height))
    return turns


def path_of(filmed: Filmed, prior: FocalPrior = PRIOR) -> TravelPath:
    turns = turns_of(filmed, prior.focal)
    return travel_path(filmed.trails, turns, size=SIZE, prior=prior, check=lambda: None)


def rotation_errors(path: TravelPath, filmed: Filmed) -> np.ndarray:
    """Degrees by which the steps' rotations are wrong, [T - 1]."""
    return np.array(
        [
            angle_of(step.rotation.T @ true)
            for step, true in zip(path.steps, filmed.turns, strict=True)
            if step is not None
        ]
    )


def said_steps(path: TravelPath) -> np.ndarray:
    """Ways of the centre in the axes of the first frame of each pair, [T - 1, 3]."""
    return np.array(
        [
            np.full(3, np.nan) if step is None else -step.rotation.T @ step.translation
            for step in path.steps
        ]
    )


HAND = {"travel": (0.012, -0.004, 0.006), "turn": (0.1, 0.4, -0.1), "sway": 0.8}


@pytest.mark.parametrize("seed", range(3))
def test_rotation_and_travel_are_told_apart(seed: int) -> None:
    filmed = film(40, **HAND, seed=seed)
    path = path_of(filmed)
    steps = said_steps(path)
    assert np.isfinite(steps).all()
    # Taken for turning, travel makes the turns wrong by several times as much.
    naive = np.array(
        [
            angle_of(turn.rotation.T @ true)
            for turn, true in zip(turns_of(filmed, filmed.focal), filmed.turns, strict=True)
        ]
    )
    errors = rotation_errors(path, filmed)
    assert np.median(errors) < 0.04
    assert np.median(naive) > 5 * np.median(errors)
    cosines = (steps * filmed.steps).sum(axis=1) / (
        np.linalg.norm(steps, axis=1) * np.linalg.norm(filmed.steps, axis=1)
    )
    assert np.degrees(np.arccos(np.median(cosines))) < 4
    # One unit over the whole way, though it was adjusted in windows.
    ratios = np.linalg.norm(steps, axis=1) / np.linalg.norm(filmed.steps, axis=1)
    assert np.std(np.log(ratios)) < 0.1
    assert path.focal == pytest.approx(filmed.focal, rel=0.06)


@pytest.mark.parametrize(
    "motion",
    [
        pytest.param({"travel": (0.0, 0.0, 0.02)}, id="dolly in"),
        pytest.param({"travel": (0.0, 0.0, -0.02)}, id="dolly out"),
        pytest.param({"travel": (0.02, 0.0, 0.0)}, id="truck"),
        pytest.param({"travel": (0.0, -0.02, 0.0)}, id="pedestal"),
        pytest.param({"travel": (0.02, 0.0, 0.0), "turn": (0.0, -0.9, 0.0)}, id="arc"),
        pytest.param({**HAND, "distortion": -0.08}, id="a wide lens"),
        pytest.param({**HAND, "mover": 0.35}, id="with an object"),
        pytest.param({**HAND, "ratio": 1.4}, id="a long lens"),
    ],
)
def test_ways_of_cameras(motion: dict) -> None:
    filmed = film(24, **motion)
    path = path_of(filmed)
    steps = said_steps(path)
    assert np.isfinite(steps).all()
    assert np.median(rotation_errors(path, filmed)) < 0.08
    said, true = steps.sum(axis=0), filmed.steps.sum(axis=0)
    cosine = said @ true / np.linalg.norm(said) / np.linalg.norm(true)
    assert np.degrees(np.arccos(cosine)) < 8
    assert np.linalg.norm(said) == pytest.approx(np.linalg.norm(true), rel=0.3)


@pytest.mark.parametrize(
    "motion",
    [
        pytest.param({}, id="still"),
        pytest.param({"turn": (0.0, 0.8, 0.1)}, id="pan"),
        pytest.param({"turn": (0.0, 0.8, 0.1), "mover": 0.5}, id="pan with an object"),
        pytest.param({"mover": 0.6}, id="still with a large object"),
        pytest.param({"travel": (0.02, 0.0, 0.0), "depths": (40.0, 60.0)}, id="all far away"),
    ],
)
def test_travel_that_does_not_show_is_not_measured(motion: dict) -> None:
    path = path_of(film(40, **motion))
    assert path.steps == (None,) * 39


def test_a_camera_that_stands_is_told_from_one_that_turns() -> None:
    assert all(path_of(film(40, noise=0.3)).stills)
    assert all(path_of(film(40, mover=0.5)).stills)
    assert not any(path_of(film(40, turn=(0.0, 0.1, 0.0))).stills)
    assert not any(path_of(film(40, **HAND)).stills)


def test_a_wide_pan_tells_the_focal_length() -> None:
    filmed = film(24, turn=(0.0, 1.5, 0.0), ratio=1.3)
    path = path_of(filmed)
    assert set(path.steps) == {None}
    assert path.focal == pytest.approx(filmed.focal, rel=0.05)


def test_a_still_camera_tells_no_focal_length() -> None:
    assert path_of(film(24)).focal is None


def test_a_focal_length_that_is_known_stays() -> None:
    path = path_of(film(24, **HAND), FocalPrior(0.85 * WIDTH, 0.0))
    assert path.focal is None
    assert None not in path.steps


def test_a_camera_that_stops_travelling_is_measured_until_then() -> None:
    """48 frames of travel, then a pan that shows new things only: those steps are not measured."""
    way = film(48, travel=(0.02, 0.0, 0.0), seed=3)
    pan = film(48, turn=(0.0, 1.6, 0.0), seed=4)
    joined = np.full((96, way.trails.places.shape[1] + pan.trails.places.shape[1], 2), np.nan)
    joined = joined.astype(np.float32)
    joined[:48, : way.trails.places.shape[1]] = way.trails.places
    joined[48:, way.trails.places.shape[1] :] = pan.trails.places
    filmed = replace(way, trails=type(way.trails)(joined))
    known = np.isfinite(said_steps(path_of(filmed))).all(axis=1)
    assert known[:36].all()
    assert not known[72:].any()


def test_slopes_are_those_of_the_projection() -> None:
    filmed = film(8, **HAND)
    sightings = Sightings.of(filmed.trails, range(8), size=SIZE)
    random = np.random.default_rng(0)
    scene = SparseScene(
        rotations=filmed.rotations,
        translations=-np.einsum("tij,tj->ti", filmed.rotations, filmed.centres),
        zooms=random.normal(0, 0.05, 8),
        inverse_depths=np.exp(random.normal(0, 0.3, len(sightings.anchors))),
        focal=filmed.focal,
        distortion=-0.07,
    )
    seen, slopes = project_with_slopes(scene, sightings)
    assert seen == pytest.approx(project(scene, sightings))
    tiny = 1e-6

    def slope(changed: SparseScene) -> np.ndarray:
        return (project(changed, sightings) - seen) / tiny

    camera = 3
    for column in range(7):
        step = np.zeros((8, 7))
        step[camera, column] = tiny
        changed = replace(
            scene,
            rotations=rotation_matrices(step[:, :3]) @ scene.rotations,
            translations=scene.translations + step[:, 3:6],
            zooms=scene.zooms + step[:, 6],
        )
        later = np.where((sightings.frames == camera)[:, None], slopes.later[:, :, column], 0)
        anchored = sightings.anchors[sightings.points] == camera
        anchor = np.where(anchored[:, None], slopes.anchor[:, :, column], 0)
        assert later + anchor == pytest.approx(slope(changed), abs=0.02)
    focal = replace(scene, focal=scene.focal * float(np.exp(tiny)))
    assert slopes.lens[:, :, 0] == pytest.approx(slope(focal), abs=0.02)
    bent = replace(scene, distortion=scene.distortion + tiny)
    assert slopes.lens[:, :, 1] == pytest.approx(slope(bent), abs=0.02)
    nearer = replace(scene, inverse_depths=scene.inverse_depths + tiny)
    assert slopes.inverse_depth == pytest.approx(slope(nearer), abs=0.02)


def test_adjustment_comes_back_to_the_truth() -> None:
    filmed = film(12, **HAND, noise=0.0)
    sightings = Sightings.of(filmed.trails, range(12), size=SIZE)
    shaken = rotation_matrices(np.random.default_rng(1).normal(0, 0.01, (12, 3)))
    shaken[0] = np.eye(3)
    start = SparseScene(
        rotations=shaken @ filmed.rotations,
        translations=-np.einsum("tij,tj->ti", filmed.rotations, filmed.centres),
        zooms=np.zeros(12),
        inverse_depths=np.ones(len(sightings.anchors)),
        focal=filmed.focal,
    )
    known = FocalPrior(filmed.focal, 0.0)
    found = adjust(
        start, sightings, Unknowns(travel=True), scale=2.0, prior=known, rounds=60, tolerance=1e-9
    )
    for said, true in zip(found.scene.rotations, filmed.rotations, strict=True):
        assert angle_of(said.T @ true) < 0.02
    errors = np.linalg.norm(project(found.scene, sightings) - sightings.places, axis=1)
    assert np.percentile(errors, 95) < 0.1


def test_every_cell_of_the_picture_counts_the_same() -> None:
    filmed = film(6, count=900)
    crowd = np.random.default_rng(2).normal((320, 180), 4, (6, 600, 2)).astype(np.float32)
    both = np.concatenate([filmed.trails.places, crowd], axis=1)
    sightings = Sightings.of(type(filmed.trails)(both), range(6), size=SIZE)
    crowded = np.abs(sightings.places).max(axis=1) < 20
    assert crowded.mean() > 0.3
    assert sightings.weights[crowded].sum() < 0.06 * sightings.weights.sum()


def test_evidence_asks_for_gain_all_over_the_picture(explain: Callable) -> None:
    assert explain(film(24, **HAND)) == (False, True)
    assert explain(film(24, turn=(0.0, 0.8, 0.0)))[0]
    assert explain(film(24, mover=0.5)) == (True, False)  # by its border


@pytest.fixture
def explain() -> Callable[[Filmed], tuple[bool, bool]]:
    """Return whether turns suffice, and whether the true travel is believed."""

    def run(filmed: Filmed) -> tuple[bool, bool]:
        from clipmill.annotations.camera.structure.solve import solve_travel, solve_turn

        sightings = Sightings.of(filmed.trails, range(len(filmed.trails)), size=SIZE)
        still = np.zeros(len(filmed.trails))
        turn = solve_turn(filmed.rotations, still, sightings, scale=1.0, prior=PRIOR)
        turns = explained_by(turn.scene, sightings, size=SIZE)
        travel = solve_travel(filmed.rotations, sightings, scale=1.0, prior=PRIOR)
        whole = explained_by(travel.scene, sightings, size=SIZE)
        believed = has_travelled(travel.scene, sightings, whole, turns, size=SIZE)
        return turns_suffice(turns), believed

    return run


@pytest.mark.parametrize("count", [1, 5, 6, 24, 30, 31, 32, 60, 167])
def test_windows_cover_the_clip_and_overlap(count: int) -> None:
    found = window_ranges(count)
    if count < 6:
        assert not found
        return
    assert found[0].start == 0 and found[-1].stop == count
    assert all(len(frames) <= 31 for frames in found)
    assert all(a.stop - b.start >= 8 for a, b in pairwise(found))
