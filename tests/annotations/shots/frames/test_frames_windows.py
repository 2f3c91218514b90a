"""The windows that the networks read, and the frame that their answers mean."""

import numpy as np
import pytest

from clipmill.annotations.shots.frames.windows import first_frame_scores, windows_of


@pytest.mark.parametrize("count", [1, 49, 50, 51, 99, 100, 101, 250])
def test_the_middles_of_the_windows_are_the_frames(count) -> None:
    frames = np.arange(count)
    windows = windows_of(frames)
    assert windows.shape == (-(-count // 50), 100)
    assert (windows[:, 25:75].reshape(-1)[:count] == frames).all()
    assert (windows[0, :25] == 0).all()
    assert (windows[-1, -25:] == count - 1).all()
    # Neighbouring windows share half of their frames.
    assert (windows[:-1, 50:] == windows[1:, :50]).all()


def test_no_frames_give_no_windows() -> None:
    assert windows_of(np.zeros((0, 27, 48, 3), np.uint8)).shape == (0, 100, 27, 48, 3)


def test_the_score_moves_to_the_first_frame_of_the_new_shot() -> None:
    assert first_frame_scores(np.array([0.1, 0.9, 0.2], np.float32)).tolist() == pytest.approx(
        [0.0, 0.1, 0.9]
    )
