"""Boxes of a clip's frames: whole pixels, few, each frame once."""

import numpy as np

from clipmill.annotations.quality.measures.found_text import MOST_BOXES, boxes_by_frame
from clipmill.store.codecs import decode_array


def square(left: float, side: float) -> np.ndarray:
    return left + side * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])


def test_frames_without_text_are_left_out_and_repeated_ones_told_once() -> None:
    boxes = [square(1.4, 10), square(-3.6, 2)]
    rows = boxes_by_frame((0, 7, 7), [[], boxes, boxes])
    assert [row.index for row in rows] == [7]
    corners = decode_array(rows[0].corners)
    assert corners.dtype == np.int32
    assert corners.tolist() == [
        [[1, 1], [11, 1], [11, 11], [1, 11]],
        [[-4, -4], [-2, -4], [-2, -2], [-4, -2]],
    ]
    assert boxes_by_frame((0, 5), [[], np.zeros((0, 4, 2))]) == ()


def test_of_very_many_boxes_the_largest_are_kept_in_their_order() -> None:
    sides = [1 + (37 * number) % 400 for number in range(400)]
    (row,) = boxes_by_frame((3,), [[square(10, side) for side in sides]])
    corners = decode_array(row.corners)
    kept = (corners[:, 1, 0] - corners[:, 0, 0]).tolist()
    assert len(kept) == MOST_BOXES
    assert kept == [side for side in sides if side > 400 - MOST_BOXES]
    assert len(row.corners) < 2100  # bytes of the fullest frame
