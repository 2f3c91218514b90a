"""Geometry of the camera backend on made-up matches."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipmill.annotations.camera.corners import find_corners
from clipmill.annotations.camera.homography.background import (
    background_of,
    cell_votes,
    fit_weighted,
)
from clipmill.annotations.camera.homography.rotation_zoom import fit_turn
from clipmill.annotations.camera.klt import Matches
from clipmill.annotations.camera.poses import PairMotion, build_row
from clipmill.annotations.camera.rotation import (
    angle_of,
    rotation_matrices,
    rotation_matrix,
    rotation_vector,
)
from clipmill.store.codecs import decode_array

WIDTH, HEIGHT, FOCAL = 512, 288, 614.4


def calibration(focal: float, *, width: int, height: int) -> np.ndarray:
    """Return K of square pixels with the principal point in the middle of the pixel grid."""
    return np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1.0]])


def scatter(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return (random.random((count, 2)) * (WIDTH - 1, HEIGHT - 1)).astype(np.float32)


def through(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return (mapped[:, :2] / mapped[:, 2:]).astype(np.float32)


angles = st.floats(-0.05, 0.05)


@settings(max_examples=40, deadline=None)
@given(vector=st.tuples(angles, angles, angles), zoom=st.floats(0.9, 1.1))
def test_rotation_and_zoom_are_recovered(vector, zoom) -> None:
    rotation = rotation_matrix(np.array(vector))
    first = calibration(FOCAL, width=WIDTH, height=HEIGHT)
    second = calibration(FOCAL * zoom, width=WIDTH, height=HEIGHT)
    points = scatter(80)
    moved = through(second @ rotation @ np.linalg.inv(first), points)
    found = fit_turn(points, moved, focal=FOCAL, width=WIDTH, height=HEIGHT)
    assert angle_of(found.rotation.T @ rotation) < 0.02
    assert found.zoom == pytest.approx(zoom, rel=1e-3)


@pytest.mark.parametrize("degrees", [0.0, 1e-6, 0.01, 1.0, 90.0, 179.9])
def test_angle_of_a_rotation(degrees: float) -> None:
    axis = np.array([1.0, 2.0, -2.0]) / 3
    turned = rotation_matrix(axis * np.radians(degrees))
    assert angle_of(turned) == pytest.approx(degrees, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("length", [0.0, 1e-9, 1e-5, 0.3, 3.0])
def test_rotations_of_many_vectors(length: float) -> None:
    vectors = np.array([[1.0, 2.0, -2.0], [0.0, -3.0, 0.0]]) / 3 * length
    found = rotation_matrices(vectors)
    for vector, matrix in zip(vectors, found, strict=True):
        assert matrix == pytest.approx(rotation_matrix(vector), abs=1e-12)
        assert rotation_vector(matrix) == pytest.approx(vector, abs=1e-7)


def test_weighted_fit_is_exact_on_clean_points_and_ignores_weightless_ones() -> None:
    matrix = np.array([[1.02, 0.01, 5], [-0.01, 0.99, -3], [1e-5, -2e-5, 1]])
    points = scatter(30)
    moved = through(matrix, points)
    moved[:10] += 50
    weights = np.r_[np.zeros(10), np.ones(20)]
    found = fit_weighted(points, moved, weights)
    assert found == pytest.approx(matrix, abs=1e-4)


def test_a_textured_mover_does_not_outvote_the_picture() -> None:
    background = scatter(90)
    crowd = np.random.default_rng(1).normal((260, 150), 25, (260, 2)).astype(np.float32)
    first = np.concatenate([background, crowd])
    second = np.concatenate([background, crowd + np.array([6, 0])]).astype(np.float32)
    fitted = background_of(Matches(first, second), width=WIDTH, height=HEIGHT)
    assert fitted is not None
    assert fitted.still
    assert fitted.inliers[:90].all()
    assert not fitted.inliers[90:].any()


def test_votes_sum_to_one_and_are_equal_per_cell() -> None:
    crowded = np.full((50, 2), 200.0, np.float32)
    lone = np.array([[300.0, 100.0]], np.float32)
    points = np.concatenate([crowded, lone])
    votes = cell_votes(Matches(points, points), width=WIDTH, height=HEIGHT)
    assert votes.sum() == pytest.approx(1)
    assert votes[:50].sum() == pytest.approx(votes[50])


def test_too_few_matches_give_nothing() -> None:
    few = scatter(7)
    assert background_of(Matches(few, few), width=WIDTH, height=HEIGHT) is None


def test_corners_are_spread_and_absent_where_nothing_is() -> None:
    random = np.random.default_rng(0)
    gray = np.full((180, 320), 90, np.uint8)
    assert len(find_corners(gray)) == 0
    gray[:, 160:] = random.integers(0, 256, (180, 160))
    corners = find_corners(gray, per_cell=3)
    assert 0 < len(corners) <= 96 * 3
    assert corners[:, 0].min() > 150


def test_poses_chain_and_unmeasured_pairs_stay_out_of_the_means() -> None:
    turn = rotation_matrix(np.array([0, np.radians(3.0), 0]))
    moving = PairMotion(np.eye(3), turn, np.array([0, 0, -0.3]), 1.1, 0.8, 0.2, measured=True)
    row = build_row(
        [0, 3, 6], [moving, PairMotion.unknown()], focal=600, width=WIDTH, height=HEIGHT
    )
    assert row.rotation == pytest.approx(1.0)
    assert row.translation == pytest.approx(0.1)  # the mean of what was measured, half of it
    assert row.travel_share == 0.5
    assert np.isnan(decode_array(row.translations)[2]).all()
    assert np.isnan(decode_array(row.steps)[1]).all()
    assert row.zoom == pytest.approx(np.log(1.1) / 3)
    assert row.inlier_share == pytest.approx(0.4)
    assert decode_array(row.rotations)[2] == pytest.approx(turn, abs=1e-6)
    assert decode_array(row.focals)[:, 0] == pytest.approx([600, 660, 660])
    assert not row.metric


def test_no_mean_of_travel_where_most_of_it_was_not_measured() -> None:
    still = PairMotion(np.eye(3), np.eye(3), np.zeros(3), 1.0, 0.8, 0.2, measured=True)
    turning = replace(still, translation=None)
    row = build_row([0, 3, 6, 9], [still, turning, turning], focal=600, width=WIDTH, height=HEIGHT)
    assert row.translation is row.truck is row.pedestal is row.dolly is None
    assert row.travel_share == pytest.approx(1 / 3)
    assert row.rotation == 0
