"""What is kept of a frame, and letterbox bars."""

import numpy as np
import pytest
from joined_shots import letterboxed, reduced, shot

from clipmill.annotations.shots.transitions.thumbnails import fine_detail, letterbox, thumbnails


def test_thumbnails_have_one_entry_per_frame() -> None:
    frames = reduced(shot())
    assert len(frames) == 30
    assert frames.luma.shape == (30, 45, 80)
    assert frames.colour.shape == (30, 9, 16, 3)
    assert fine_detail(frames).shape == (30, 44 * 80 + 45 * 79)
    np.testing.assert_allclose(frames.colour[3].mean((0, 1)), shot()[3].mean((0, 1)), atol=1)


def test_no_frames_are_no_thumbnails() -> None:
    frames = thumbnails([])
    assert len(frames) == 0
    assert fine_detail(frames).shape[0] == 0


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (slice(5, 41), slice(None), (5, 4, 0, 0)),
        (slice(None), slice(9, 77), (0, 0, 9, 3)),
        (slice(20, 25), slice(None), (0, 0, 0, 0)),  # Mostly black: a dark frame, no bars.
        (slice(0, 0), slice(None), (0, 0, 0, 0)),
    ],
)
def test_bars_are_black_borders_up_to_a_quarter(rows, columns, expected) -> None:
    picture = np.zeros((45, 80), np.uint8)
    picture[rows, columns] = 120
    assert letterbox(picture) == expected


def test_the_edge_of_a_bar_is_no_detail() -> None:
    white = np.full((2, 180, 320, 3), 255, np.uint8)
    assert not fine_detail(reduced(white)).any()
    assert not fine_detail(reduced(letterboxed(white))).any()
    assert fine_detail(reduced(letterboxed(shot())[:1])).any()
