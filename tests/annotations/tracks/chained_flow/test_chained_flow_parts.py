"""Parts of the tracker: neighbours, patches, stretches."""

import cv2
import numpy as np
import pytest
import skimage.data

from clipmill.annotations.tracks.chained_flow.follow import Followed
from clipmill.annotations.tracks.chained_flow.neighbours import predict
from clipmill.annotations.tracks.chained_flow.patches import Patch, Templates, find_patch
from clipmill.annotations.tracks.chained_flow.regain import shift_since_anchor
from clipmill.annotations.tracks.chained_flow.stretches import LONGEST, way_back

ALL = np.ones((240, 426), bool)


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
    patch = Templates(photo, point, ALL).turned(0, np.eye(2))
    at, likeness = find_patch(shifted, patch, point[0], reach=10)
    assert at == pytest.approx((205.5, 87.0), abs=0.35)
    assert likeness > 0.9


def test_a_turned_patch_is_found_with_the_turn_only(photo: np.ndarray) -> None:
    point = np.array([[200.0, 90.0]])
    turned = cv2.getRotationMatrix2D((200, 90), -50, 1.0)
    there = cv2.warpAffine(photo, turned, (426, 240))
    templates = Templates(photo, point, ALL)
    _, with_turn = find_patch(there, templates.turned(0, turned[:, :2]), point[0], reach=4)
    _, without = find_patch(there, templates.turned(0, np.eye(2)), point[0], reach=4)
    assert with_turn > 0.8
    assert with_turn > without + 0.1


def test_plain_patches_and_places_outside_tell_nothing(photo: np.ndarray) -> None:
    plain = Patch(np.full((15, 15), 90, np.uint8), None)
    assert find_patch(photo, plain, np.array([100.0, 100.0]), reach=5)[1] == -1
    patch = Patch(photo[80:95, 80:95], None)
    assert find_patch(photo, patch, np.array([-500.0, 20.0]), reach=5)[1] == -1


def test_at_an_outline_only_the_thing_is_compared(photo: np.ndarray) -> None:
    """Half of the patch is background, which is another one later on."""
    point, mask = np.array([[200.0, 90.0]]), ALL.copy()
    mask[:, 201:] = False
    there = photo.copy()
    there[:, 201:] = photo[::-1, 201:]
    own = Templates(photo, point, mask).turned(0, np.eye(2))
    assert find_patch(there, own, point[0], reach=4)[1] > 0.99
    whole = Templates(photo, point, ALL).turned(0, np.eye(2))
    assert find_patch(there, whole, point[0], reach=0)[1] < 0.8


def test_of_thin_things_all_of_the_patch_is_compared(photo: np.ndarray) -> None:
    point, mask = np.array([[200.0, 90.0]]), np.zeros_like(ALL)
    mask[:, 198:203] = True
    assert Templates(photo, point, mask).turned(0, np.eye(2)).mask is None


def spread() -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(150.0, 260, 30), np.arange(40.0, 140, 30)), -1).reshape(
        -1, 2
    )


def test_what_came_out_elsewhere_is_found_by_what_agrees(photo: np.ndarray) -> None:
    points, mask = spread(), np.zeros_like(ALL)
    mask[20:160, 130:280] = True
    templates = Templates(photo, points, mask)
    shifted = cv2.warpAffine(photo, np.array([[1.0, 0, -60], [0, 1, 30]]), (426, 240))
    there = np.roll(mask, (30, -60), axis=(0, 1))
    shift = shift_since_anchor(templates, shifted, there)
    assert shift == pytest.approx([-60, 30], abs=0.5)


def test_what_looks_otherwise_now_has_no_shift(photo: np.ndarray) -> None:
    points, mask = spread(), np.zeros_like(ALL)
    mask[20:160, 130:280] = True
    noise = np.random.default_rng(0).integers(0, 255, photo.shape, np.uint8)
    assert shift_since_anchor(Templates(photo, points, mask), noise, mask) is None


def followed(points: np.ndarray, visible: np.ndarray) -> Followed:
    return Followed(points, visible, np.zeros_like(visible))


def still(length: int) -> list[np.ndarray]:
    return [np.zeros((20, 20, 2), np.float32)] * (length - 1)


def test_a_track_that_comes_home_has_no_error_and_a_drifting_one_has() -> None:
    length = LONGEST + 5
    points = np.full((length, 2, 2), 5.0)
    points[:, 1, 0] += np.arange(length) * 0.5  # the flow says that nothing moves
    error = way_back(followed(points, np.ones((length, 2), bool)), still(length))
    assert error[0] == 0
    assert error[1] == pytest.approx((0.5 * LONGEST**2 + 0.5 * 4**2) / (LONGEST + 4))


def test_a_stretch_ends_where_a_point_looks_as_at_its_anchor() -> None:
    """The flow beside an outline may be the background's while the point is where it should be."""
    points = np.full((9, 1, 2), 5.0)
    points[:, 0, 0] += np.arange(9) * 0.5
    seen = np.ones((9, 1), bool)
    assert way_back(Followed(points, seen, seen), still(9))[0] == pytest.approx(0.5)
    assert way_back(followed(points, seen), still(9))[0] == pytest.approx(4)


def test_hidden_stretches_and_exits_do_not_count() -> None:
    points = np.full((12, 1, 2), 5.0)
    points[5:9] += 100  # hidden: a guess
    visible = np.ones((12, 1), bool)
    visible[5:9] = False
    assert way_back(followed(points, visible), still(12))[0] == 0


def test_a_point_that_is_never_seen_twice_in_a_row_is_not_trusted() -> None:
    visible = np.zeros((6, 1), bool)
    visible[::2] = True
    assert np.isinf(way_back(followed(np.zeros((6, 1, 2)), visible), still(6))[0])
