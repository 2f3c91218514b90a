"""AutoShot as a backend: windows, labels, frames, and checkpoints that do not fit."""

import sys
from pathlib import Path

import numpy as np
import pytest
from clip_inputs import probed
from golden_weights import GOLDENS, filled, manifest_shapes

from clipmill.annotations.shots.autoshot import AutoShotShots
from clipmill.annotations.shots.boundaries import cuts_from_scores
from clipmill.annotations.shots.frames.pictures import PictureShares
from clipmill.errors import MissingExtraError, UsageError
from clipmill.store.codecs import decode_array
from clipmill.weights import MissingWeightsError, WeightsError
from media import decode_all

THRESHOLD = np.float32(0.296)
NOTHING = PictureShares(damaged_frames=0, first_damaged=None, letterbox=0.0, repeated_frames=0.0)


def save_checkpoint(path: Path, *, container: bool = True, **changes) -> Path:
    torch = pytest.importorskip("torch", reason="needs the extra 'models'")
    shapes = manifest_shapes(GOLDENS / "autoshot.manifest.json")
    weights = filled(shapes, gain=2**0.5)
    state = {key: torch.from_numpy(np.asarray(value)) for key, value in weights.items()}
    for key, value in changes.items():
        name = key.replace("__", ".")
        state.pop(name, None)
        if value is not None:
            state[name] = torch.from_numpy(value)
    torch.save({"net": state, "epoch": 0} if container else state, path)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Path:
    return save_checkpoint(tmp_path_factory.mktemp("autoshot") / "ckpt_0_200_0.pth")


@pytest.fixture(scope="module")
def backend(checkpoint) -> AutoShotShots:
    return open_backend(checkpoint)


def open_backend(checkpoint: Path, **settings) -> AutoShotShots:
    config = AutoShotShots.Config(weights=str(checkpoint), device="cpu", **settings)
    backend = AutoShotShots(config)
    backend.setup()
    return backend


def test_all_labels_of_a_clip_are_the_published_ones(backend) -> None:
    with np.load(GOLDENS / "autoshot.npz") as golden:
        frames, expected = golden["clip130_u8"], golden["clip130_probs"][:, 0]
    found = backend.probabilities(frames)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    labels = expected > THRESHOLD
    assert labels.sum() == 55
    assert ((found > THRESHOLD) == labels).all()


def test_stored_scores_keep_every_label_one_frame_later(backend) -> None:
    with np.load(GOLDENS / "autoshot.npz") as golden:
        frames, expected = golden["clip130_u8"], golden["clip130_probs"][:, 0]
    (row,) = backend.annotate([(frames, NOTHING)])
    scores = decode_array(row.scores)
    assert (row.threshold, row.num_decoded, len(scores), scores[0]) == (0.296, 130, 130, 0)
    # A label says `last frame of its shot`, a score `first frame of the next`.
    assert ((scores[1:] > row.threshold) == (expected[:-1] > THRESHOLD)).all()


def test_a_probability_just_above_the_threshold_stays_above_it(backend) -> None:
    near = np.nextafter(THRESHOLD, np.float32(1))
    assert np.float16(near) == np.float16(THRESHOLD)  # what a narrower type would do
    row = backend._row(np.array([0.1, near, THRESHOLD, 0.1], np.float32), NOTHING)
    scores = decode_array(row.scores)
    assert cuts_from_scores(scores, threshold=row.threshold, num_decoded=4) == [2]


def test_windows_give_the_same_alone_and_together(backend, checkpoint) -> None:
    with np.load(GOLDENS / "autoshot.npz") as golden:
        frames = golden["clip130_u8"]
    together = open_backend(checkpoint, windows_per_call=3).probabilities(frames)
    np.testing.assert_allclose(together, backend.probabilities(frames), atol=1e-5)


def test_clips_do_not_change_each_other(backend) -> None:
    with np.load(GOLDENS / "autoshot.npz") as golden:
        frames = golden["clip130_u8"]
    short = frames[60:90].copy()
    together = backend.annotate([(frames[:40], NOTHING), (short, NOTHING)])
    assert together[1] == backend.annotate([(short, NOTHING)])[0]
    assert together[0].num_decoded == 40


def test_a_clip_without_frames_gives_an_empty_row(backend) -> None:
    (row,) = backend.annotate([(np.zeros((0, 27, 48, 3), np.uint8), NOTHING)])
    assert row.num_decoded == 0
    assert decode_array(row.scores).shape == (0,)


def test_frames_are_the_clip_s_own_in_rgb(backend, clips) -> None:
    path = clips("autoshot.mp4", frames=30, gop=10)
    frames, shares = backend.load(probed(path, 12, 26))
    assert frames.shape == (14, 27, 48, 3)
    truth = decode_all(path, (320, 180))[12:26]
    for channel in range(3):
        np.testing.assert_allclose(
            frames[..., channel].mean((1, 2)), truth[..., channel].mean((1, 2)), atol=2
        )
    (row,) = backend.annotate([(frames, shares)])
    assert row.num_decoded == 14
    assert backend.annotate([backend.load(probed(path, 12, 26))]) == [row]


def test_unused_keys_may_be_absent_and_no_others(tmp_path) -> None:
    path = save_checkpoint(
        tmp_path / "a.pth", container=False, fc1__linear__weight=None, fc1__linear__bias=None
    )
    open_backend(path)
    torch_missing = save_checkpoint(tmp_path / "b.pth", fc1_0__linear__bias=None)
    with pytest.raises(WeightsError, match=r"missing: fc1_0\.linear\.bias"):
        open_backend(torch_missing)
    unexpected = save_checkpoint(tmp_path / "c.pth", extra__weight=np.zeros(3, np.float32))
    with pytest.raises(WeightsError, match=r"unexpected: extra\.weight"):
        open_backend(unexpected)
    misshapen = save_checkpoint(tmp_path / "d.pth", fc1_0__linear__bias=np.zeros(7, np.float32))
    with pytest.raises(WeightsError, match=r"fc1_0\.linear\.bias \[7\] instead of \[1024\]"):
        open_backend(misshapen)


def test_a_checkpoint_that_wants_to_run_code_is_refused(tmp_path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra 'models'")
    torch.save({"net": Path("x")}, tmp_path / "code.pth")
    with pytest.raises(WeightsError, match="weights_only"):
        open_backend(tmp_path / "code.pth")


def test_without_torch_the_error_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in list(sys.modules):
        if name.startswith("clipmill.models"):
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingExtraError, match=r"clipmill\[models\]"):
        AutoShotShots(AutoShotShots.Config(weights="x.pth")).setup()


def test_weights_that_are_not_there_are_told_early(tmp_path, monkeypatch) -> None:
    with pytest.raises(UsageError, match=r"no weights at .*gone\.pth"):
        AutoShotShots.identity(AutoShotShots.Config(weights=str(tmp_path / "gone.pth")))
    pytest.importorskip("torch", reason="needs the extra 'models'")
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(MissingWeightsError, match="clipmill models pull autoshot"):
        AutoShotShots(AutoShotShots.Config(device="cpu")).setup()


def test_identity_holds_the_published_checksum_or_the_file_s_own(checkpoint) -> None:
    published = AutoShotShots.identity(AutoShotShots.Config())
    assert published["sha256"].startswith("3e85290546ce6d32")
    own = AutoShotShots.identity(AutoShotShots.Config(weights=str(checkpoint)))
    assert len(own["sha256"]) == 64
    assert own["sha256"] != published["sha256"]
