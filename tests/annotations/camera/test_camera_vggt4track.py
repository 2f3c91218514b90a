"""The camera backend that runs VGGT4Track, with a small checkpoint in the published format."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clip_inputs import probed
from golden_weights import filled

from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.camera.vggt4track import VGGT4TrackCamera, read_sizes
from clipmill.errors import ClipError, ClipTimeoutError, UsageError
from clipmill.store.codecs import decode_array
from clipmill.video import FrameSize

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.numpy")

from clipmill.models.vggt4track import pose  # noqa: E402
from clipmill.models.vggt4track.config import VGGTConfig  # noqa: E402
from clipmill.models.vggt4track.model import VGGT4Track  # noqa: E402
from clipmill.models.vggt4track.preprocess import resize  # noqa: E402
from clipmill.weights import WeightsError  # noqa: E402

SIZES = {
    **{"width": 32, "depth": 2, "heads": 2, "patch_depth": 1, "patch_heads": 2},
    **{"camera_depth": 1, "camera_heads": 2},
}
Weights = dict[str, np.ndarray]


def _weights() -> Weights:
    """Return the weights of a small network, with keys that only other parts of it use."""
    with torch.device("meta"):
        shapes = {
            k: tuple(v.shape) for k, v in VGGT4Track(VGGTConfig(**SIZES)).state_dict().items()
        }
    shapes["aggregator.patch_embed.mask_token"] = (1, 32)
    shapes["depth_head.norm.weight"] = (64,)
    shapes["depth_head.scratch.layer1_rn.weight"] = (8, 8, 3, 3)
    return filled(shapes)


def _save(folder: Path, weights: Weights, *, config: Any = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    safetensors.save_file(weights, folder / "model.safetensors")
    text = json.dumps({"vggt4track": SIZES} if config is None else config)
    (folder / "config.json").write_text(text)
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _save(tmp_path_factory.mktemp("weights") / "vggt4track", _weights())


@pytest.fixture(scope="module")
def backend(checkpoint: Path) -> VGGT4TrackCamera:
    return _backend(checkpoint)


def _backend(checkpoint: Path, **options: Any) -> VGGT4TrackCamera:
    config = VGGT4TrackCamera.Config(weights=str(checkpoint), device="cpu", **options)
    made = VGGT4TrackCamera(config)
    made.setup()
    return made


Clips = Callable[..., Path]


@pytest.fixture
def wide(clips: Clips) -> Path:
    return clips("vggt-wide.mp4", size=(480, 64), frames=200, fps=25)


def test_row_of_a_clip_has_what_the_published_scores_need(
    backend: VGGT4TrackCamera, wide: Path
) -> None:
    loaded = backend.load(probed(wide, 20, 34))
    assert loaded.frames == (0, 3, 6, 9, 12) and loaded.images.shape == (5, 70, 518, 3)
    (row,) = backend.annotate([loaded])
    assert isinstance(row, CameraRow) and row.focal_known and not row.metric
    frames, rotations = decode_array(row.frames), decode_array(row.rotations)
    translations, focals = decode_array(row.translations), decode_array(row.focals)
    homographies = decode_array(row.homographies)
    assert [a.dtype for a in (frames, rotations, translations, focals, homographies)] == [
        *(np.int32, np.float32, np.float32, np.float32, np.float64)
    ]
    assert (frames.shape, rotations.shape, translations.shape) == ((5,), (5, 3, 3), (5, 3))
    assert (focals.shape, homographies.shape) == ((5, 2), (4, 3, 3))
    np.testing.assert_array_equal(rotations[0], np.eye(3))
    np.testing.assert_array_equal(translations[0], 0)
    np.testing.assert_allclose(homographies[:, 2, 2], 1)

    # the published scores, from the network's camera-to-world poses
    images = torch.from_numpy(loaded.images).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        encoding = backend._model(images[None])[0]
    poses = torch.linalg.inv(pose.world_to_camera(encoding)).double().numpy()
    pairs = list(pairwise(poses))
    turns = [np.trace(a[:3, :3].T @ b[:3, :3]) for a, b in pairs]
    degrees = np.degrees(np.arccos(np.clip((np.array(turns) - 1) / 2, -1, 1)))
    assert row.rotation == pytest.approx(degrees.mean() / 3, rel=1e-4)
    travel = [np.linalg.norm(a[:3, 3] - b[:3, 3]) for a, b in pairs]
    assert row.translation == pytest.approx(np.mean(travel) / 3, rel=1e-4)
    wanted = pose.focal_lengths(encoding, width=518, height=70).numpy() * (480 / 518, 64 / 70)
    np.testing.assert_allclose(focals, wanted, rtol=1e-5)
    ratios = np.diff(np.log(np.sqrt(wanted.prod(axis=1))))
    assert row.zoom == pytest.approx(np.abs(ratios).mean() / 3, rel=1e-3)
    assert row.rotation > 0.01 and row.translation > 1e-4  # the checkpoint sees some motion


def test_same_clip_same_row(backend: VGGT4TrackCamera, checkpoint: Path, wide: Path) -> None:
    item = probed(wide, 0, 8)
    first = backend.annotate([backend.load(item)])
    other = _backend(checkpoint)
    assert other.annotate([other.load(item)]) == first
    again, alone = backend.annotate([backend.load(probed(wide, 50, 60)), backend.load(item)])
    assert [alone] == first != [again]


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        (0, 200, range(0, 150, 3)),  # the first 6 s at 25 fps
        (40, 200, range(0, 150, 3)),
        (0, 149, range(0, 149, 3)),
        (10, 14, (0, 3)),
        (10, 13, (0, 2)),  # shorter than a step: first and last
        (10, 12, (0, 1)),
        (10, 11, (0,)),
    ],
)
def test_every_third_frame_of_the_first_six_seconds(
    checkpoint: Path, wide: Path, start: int, end: int, wanted: range
) -> None:
    backend = VGGT4TrackCamera(VGGT4TrackCamera.Config(weights=str(checkpoint)))
    item = probed(wide, start, end)
    loaded = backend.load(item)
    assert loaded.frames == tuple(wanted)
    with item.open() as reader:
        at = [start + frame for frame in loaded.frames]
        same = reader.frames(at, size=FrameSize(518, 70))
        other = reader.frames([at[-1] + 1], size=FrameSize(518, 70))
    np.testing.assert_array_equal(loaded.images, same)
    assert (loaded.images[-1] != other[0]).any()  # the test pattern moves


def test_published_scaling_is_bit_for_bit(checkpoint: Path, wide: Path) -> None:
    backend = VGGT4TrackCamera(VGGT4TrackCamera.Config(weights=str(checkpoint), scaling="bicubic"))
    item = probed(wide, 5, 12)
    with item.open() as reader:
        source = reader.frames([5, 8, 11])
    wanted = resize(torch.from_numpy(source).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    np.testing.assert_array_equal(backend.load(item).images, wanted.numpy())


def test_a_single_frame_is_no_motion(backend: VGGT4TrackCamera, wide: Path) -> None:
    (row,) = backend.annotate([backend.load(probed(wide, 7, 8))])
    assert decode_array(row.frames).tolist() == [0]
    assert decode_array(row.homographies).shape == (0, 3, 3)
    assert (row.rotation, row.translation, row.zoom, row.pan_speed) == (0, None, 0, 0)


@pytest.mark.parametrize("scaling", ["area", "bicubic"])
def test_tall_frames_lose_rows_but_not_focal_length(
    checkpoint: Path, clips: Clips, scaling: str
) -> None:
    tall = clips("vggt-tall.mp4", size=(90, 160), frames=4)
    backend = _backend(checkpoint, scaling=scaling)
    loaded = backend.load(probed(tall))
    assert loaded.images.shape == (2, 518, 518, 3)
    # 518 wide would be 924 high: rows are scaled by that, though only 518 of them are seen
    assert loaded.scale == pytest.approx((90 / 518, 160 / 924))
    (row,) = backend.annotate([loaded])
    images = torch.from_numpy(loaded.images).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        focals = pose.focal_lengths(backend._model(images[None])[0], width=518, height=518)
    np.testing.assert_allclose(decode_array(row.focals), focals.numpy() * loaded.scale, rtol=1e-5)


def test_a_deadline_is_kept_while_the_network_runs(backend: VGGT4TrackCamera, wide: Path) -> None:
    def late() -> None:
        raise ClipTimeoutError("too late")

    loaded = replace(backend.load(probed(wide, 0, 4)), check=late)
    with pytest.raises(ClipTimeoutError):
        backend.annotate([loaded])


def test_cameras_that_are_not_numbers_fail_the_clip(tmp_path: Path, wide: Path) -> None:
    weights = _weights()
    weights["camera_head.pose_branch.fc2.bias"][4] = np.nan
    backend = _backend(_save(tmp_path, weights))
    with pytest.raises(ClipError, match=r"vggt-wide\.mp4: 2 of 2 estimated cameras") as caught:
        backend.annotate([backend.load(probed(wide, 0, 4))])
    assert caught.value.kind == "model"


def test_a_field_of_view_of_zero_fails_the_clip(tmp_path: Path, wide: Path) -> None:
    weights = _weights()
    weights["camera_head.pose_branch.fc2.bias"][8] = -100
    backend = _backend(_save(tmp_path, weights))
    with pytest.raises(ClipError, match="focal length not finite"):
        backend.annotate([backend.load(probed(wide, 0, 4))])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: w.pop("camera_head.trunk.0.ls1.gamma"), "1 missing: camera_head.trunk.0.ls1"),
        (lambda w: w.update({"point_head.bias": w["camera_head.token_norm.bias"]}), "point_head"),
        (
            lambda w: w.update({"aggregator.camera_token": np.zeros((1, 1, 1, 32), np.float32)}),
            r"misshapen: aggregator\.camera_token \[1, 1, 1, 32\] instead of \[1, 2, 1, 32\]",
        ),
    ],
)
def test_checkpoints_that_do_not_fit_are_refused(
    tmp_path: Path, change: Callable[[Weights], object], told: str
) -> None:
    weights = _weights()
    change(weights)
    with pytest.raises(WeightsError, match=told):
        _backend(_save(tmp_path, weights))


def test_the_keys_of_the_depth_head_may_be_absent(
    tmp_path: Path, backend: VGGT4TrackCamera, wide: Path
) -> None:
    used = {k: v for k, v in _weights().items() if "depth_head" not in k and "mask_token" not in k}
    item = probed(wide, 0, 4)
    other = _backend(_save(tmp_path, used))
    assert other.annotate([other.load(item)]) == backend.annotate([backend.load(item)])


def test_sizes_are_the_published_ones_unless_named(tmp_path: Path, checkpoint: Path) -> None:
    assert read_sizes(checkpoint) == VGGTConfig(**SIZES)
    assert read_sizes(checkpoint / "model.safetensors") == VGGTConfig()
    assert read_sizes(_save(tmp_path, {}, config={"some": "thing"})) == VGGTConfig()
    with pytest.raises(UsageError, match=r"config\.json: VGGT4Track has no size deep"):
        read_sizes(_save(tmp_path, {}, config={"vggt4track": {"deep": 3}}))
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config\.json is no JSON"):
        read_sizes(tmp_path)


def test_identity_follows_the_weights(tmp_path: Path, checkpoint: Path) -> None:
    config = VGGT4TrackCamera.Config
    weights = _weights()
    weights["camera_head.pose_branch.fc2.bias"][0] += 1
    here = VGGT4TrackCamera.identity(config(weights=str(checkpoint)))
    same = VGGT4TrackCamera.identity(config(weights=str(_save(tmp_path / "a", _weights()))))
    other = VGGT4TrackCamera.identity(config(weights=str(_save(tmp_path / "b", weights))))
    assert here == same != other


def test_without_a_gpu_another_profile_is_named(checkpoint: Path) -> None:
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        pytest.skip("there is a GPU")
    backend = VGGT4TrackCamera(VGGT4TrackCamera.Config(weights=str(checkpoint)))
    with pytest.raises(UsageError, match=r"vggt4track.*needs a GPU(.|\n)*embedded"):
        backend.setup()
