"""The camera row of estimated poses, on cameras made up."""

import numpy as np
import pytest

from clipmill.annotations.camera.from_poses import row_from_poses
from clipmill.annotations.camera.rotation import rotation_matrix
from clipmill.annotations.camera.schema import CameraRow
from clipmill.errors import ClipError
from clipmill.store.codecs import decode_array


def _look(vector: tuple[float, float, float], centre: tuple[float, float, float]) -> np.ndarray:
    """Return the world-to-camera pose of a camera at a place, turned by a rotation vector."""
    made = np.eye(4)
    made[:3, :3] = rotation_matrix(np.array(vector))
    made[:3, 3] = -made[:3, :3] @ centre
    return made


def _row(poses: list[np.ndarray], focals: list[tuple[float, float]], step: int = 3) -> CameraRow:
    return row_from_poses(
        range(0, step * len(poses), step), np.stack(poses), np.array(focals),
        width=640, height=360, name="a.mp4",
    )  # fmt: skip


def test_homographies_carry_far_points() -> None:
    poses = [_look((0.1, 0.2, 0), (0, 0, 0)), _look((0.12, 0.25, 0.05), (0, 0, 0))]
    focals = [(600.0, 500.0), (660.0, 560.0)]
    matrix = decode_array(_row(poses, focals).homographies)[0]
    point = np.linalg.inv(poses[0][:3, :3]) @ [0.1, -0.2, 1] * 1e6  # in sight of the first

    def seen(number: int) -> np.ndarray:
        x, y, z = poses[number][:3, :3] @ point
        fx, fy = focals[number]
        return np.array([fx * x / z + 319.5, fy * y / z + 179.5])

    moved = matrix @ [*seen(0), 1]
    np.testing.assert_allclose(moved[:2] / moved[2], seen(1), atol=1e-6)


def test_scores_are_means_per_frame() -> None:
    turn = np.radians(1.5)
    poses = [
        _look((0, 0.0, 0), (0, 0, 0)),
        _look((0, turn, 0), (0, 0, 0)),
        _look((0, turn, 0), (0.3, 0, 0.4)),
    ]
    row = _row(poses, [(600, 600), (600, 600), (660, 660)])
    assert row.rotation == pytest.approx(1.5 / 2 / 3)
    assert row.zoom_in == pytest.approx(row.zoom)
    assert row.translation == pytest.approx(0.5 / 2 / 3)
    assert row.zoom == pytest.approx(np.log(1.1) / 2 / 3)
    # a zoom keeps the centre where it is, a turn shifts it by f tan
    assert row.pan_speed == pytest.approx(600 * np.tan(turn) / 2 / 3)
    assert (row.inlier_share, row.residual) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("field", "vector", "centre"),
    [
        ("pan", (0, 0.03, 0), (0, 0, 0)),
        ("tilt", (0.03, 0, 0), (0, 0, 0)),
        ("roll", (0, 0, 0.03), (0, 0, 0)),
        ("truck", (0, 0, 0), (0.03, 0, 0)),
        ("pedestal", (0, 0, 0), (0, -0.03, 0)),
        ("dolly", (0, 0, 0), (0, 0, 0.03)),
    ],
)
def test_words_of_film_have_signs(field, vector, centre) -> None:
    """Right, up, clockwise and forward are positive; x is right, y down and z forward."""
    turned = _look((0, 0, 0), centre)
    turned[:3, :3] = rotation_matrix(np.array(vector)).T  # world-to-camera turns the world back
    row = _row([np.eye(4), turned], [(600, 600)] * 2)
    expected = dict.fromkeys(("pan", "tilt", "roll", "truck", "pedestal", "dolly"), 0.0)
    expected[field] = (np.degrees(0.03) if any(vector) else 0.03) / 3
    found = {name: getattr(row, name) for name in expected}
    assert found == pytest.approx(expected, abs=1e-9)
    point = turned @ [0, 0, 5, 1]  # what was in the middle of the picture
    assert (point[0] < 0) == (field in ("pan", "truck"))  # is left of it behind
    assert (point[1] > 0) == (field in ("tilt", "pedestal"))  # and below


def test_rows_do_not_depend_on_the_origin() -> None:
    poses = [_look((0, 0.1 * k, 0.02 * k), (0.5 * k, 0, k)) for k in range(4)]
    origin = np.linalg.inv(_look((0.3, -0.4, 0.5), (3, 2, 1)))
    focals = [(600.0, 500.0)] * 4
    here, there = _row(poses, focals), _row([p @ origin for p in poses], focals)
    for name in ("rotations", "translations", "steps", "homographies"):
        ours, theirs = decode_array(getattr(here, name)), decode_array(getattr(there, name))
        np.testing.assert_allclose(ours, theirs, atol=1e-4, err_msg=name)
    assert here.translation == pytest.approx(there.translation)
    np.testing.assert_allclose(decode_array(here.rotations)[3], poses[3][:3, :3], atol=1e-6)
    np.testing.assert_allclose(decode_array(here.translations)[3], poses[3][:3, 3], atol=1e-6)


@pytest.mark.parametrize("degrees", [60.0, 61.927513064147, 90.0, 120.0, 180.0])
def test_wild_turns_give_finite_rows(degrees: float) -> None:
    row = _row([np.eye(4), _look((0, np.radians(degrees), 0), (0, 0, 0))], [(600, 600)] * 2)
    assert np.isfinite(decode_array(row.homographies)).all() and np.isfinite(row.pan_speed)
    assert row.rotation == pytest.approx(degrees / 3)


@pytest.mark.parametrize("focal", [0.0, -5.0, np.inf, np.nan])
def test_one_unusable_camera_is_named(focal: float) -> None:
    with pytest.raises(ClipError, match=r"a\.mp4: 1 of 3 .* first at frame 6 of the clip"):
        _row([np.eye(4)] * 3, [(600, 600), (600, 600), (600, focal)])
