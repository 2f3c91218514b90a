"""Parts of the tracker: neighbours, patches, stretches."""

import cv2
import numpy as np
import pytest
import skimage.data

from clipmill.annotations.tracks.chained_flow.follow import Followed
from clipmill.annotations.tracks.chained_flow.neighbours import predict
from clipmill.annotations.tracks.chained_flow.patches import Templates, find_patch
from clipmill.annotations.tracks.chained_flow.stretches import LONGEST, way_back


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return cv2.cvtColor(skimage.data.astronaut()[:240, :426], cv2.COLOR_RGB2GRAY)


def test_a_hidden_point_goes_with_its_neighbours() -> None:
    anchor = np.array([[0.0, 0], [40, 0], [0, 40], [40, 40], [20, 20]])
    turn = np.radians(20)
    linear = 1.2 * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    here = anchor @ linear.T + np.array([30, -5])
    seen = np.array([True, True, True, True, False])
    wrong = here.copy()
    wrong[4] = 0
    places, parts = predict(anchor, wrong, seen)
    assert np.linalg.norm(places[4] - here[4]) < 1
    assert np.abs(parts[4] - linear).max() < 0.05


def test_one_neighbour_moves_the_rest_without_a_turn() -> None:
    anchor = np.array([[0.0, 0], [40, 0]])
    places, parts = predict(anchor, anchor + np.array([7, 3]), np.array([True, False]))
    assert places[1] == pytest.approx([47, 3])
    assert np.abs(parts[1] - np.eye(2)).max() < 1e-6


def test_a_patch_is_found_where_it_is(photo: np.ndarray) -> None:
    point = np.array([[200.0, 90.0]])
    shifted = cv2.warpAffine(photo, np.array([[1.0, 0, 5.5], [0, 1, -3.0]]), (426, 240))
    patch = Templates(photo, point).turned(0, np.eye(2))
    at, likeness = find_patch(shifted, patch, point[0], reach=10)
    assert at == pytest.approx((205.5, 87.0), abs=0.35)
    assert likeness > 0.9


def test_a_turned_patch_is_found_with_the_turn_only(photo: np.ndarray) -> None:
    point = np.array([[200.0, 90.0]])
    turned = cv2.getRotationMatrix2D((200, 90), -50, 1.0)
    there = cv2.warpAffine(photo, turned, (426, 240))
    templates = Templates(photo, point)
    _, with_turn = find_patch(there, templates.turned(0, turned[:, :2]), point[0], reach=4)
    _, without = find_patch(there, templates.turned(0, np.eye(2)), point[0], reach=4)
    assert with_turn > 0.8
    assert with_turn > without + 0.1


def test_plain_patches_and_places_outside_tell_nothing(photo: np.ndarray) -> None:
    plain = np.full((15, 15), 90, np.uint8)
    assert find_patch(photo, plain, np.array([100.0, 100.0]), reach=5)[1] == -1
    patch = photo[80:95, 80:95]
    assert find_patch(photo, patch, np.array([-500.0, 20.0]), reach=5)[1] == -1


def still(length: int) -> list[np.ndarray]:
    return [np.zeros((20, 20, 2), np.float32)] * (length - 1)


def test_a_track_that_comes_home_has_no_error_and_a_drifting_one_has() -> None:
    length = LONGEST + 5
    points = np.full((length, 2, 2), 5.0)
    points[:, 1, 0] += np.arange(length) * 0.5  # the flow says that nothing moves
    error = way_back(Followed(points, np.ones((length, 2), bool)), still(length))
    assert error[0] == 0
    assert error[1] == pytest.approx((0.5 * LONGEST + 0.5 * 4) / 2)


def test_hidden_stretches_and_exits_do_not_count() -> None:
    points = np.full((12, 1, 2), 5.0)
    points[5:9] += 100  # hidden: a guess
    visible = np.ones((12, 1), bool)
    visible[5:9] = False
    assert way_back(Followed(points, visible), still(12))[0] == 0


def test_a_point_that_is_never_seen_twice_in_a_row_is_not_trusted() -> None:
    visible = np.zeros((6, 1), bool)
    visible[::2] = True
    assert np.isinf(way_back(Followed(np.zeros((6, 1, 2)), visible), still(6))[0])
