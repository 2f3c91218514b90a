"""VGGT4Track against outputs of the published network with weights by formula."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from golden_weights import GOLDENS, filled, manifest_shapes

from clipmill.errors import UsageError

torch = pytest.importorskip("torch")

from clipmill.models.vggt4track import pose  # noqa: E402
from clipmill.models.vggt4track.config import VGGTConfig  # noqa: E402
from clipmill.models.vggt4track.model import UNUSED_KEYS, VGGT4Track  # noqa: E402
from clipmill.models.vggt4track.preprocess import crop_rows, input_size, resize  # noqa: E402
from clipmill.weights import load_state_dict  # noqa: E402

REDUCED = VGGTConfig(
    width=384, depth=4, heads=16, patch_depth=3, patch_heads=6, camera_depth=2, camera_heads=16
)
TINY = VGGTConfig(
    width=32, depth=2, heads=2, patch_depth=1, patch_heads=2, camera_depth=1, camera_heads=2
)
FULL_GOLDENS = os.environ.get("CLIPMILL_FULL_GOLDENS", "")


def _load(config: VGGTConfig, manifest: Path, folder: Path) -> VGGT4Track:
    """Write a checkpoint in the published format, and load it as a backend does."""
    from safetensors.numpy import save_file

    path = folder / "model.safetensors"
    save_file(filled(manifest_shapes(manifest)), path)
    model = VGGT4Track(config).eval()
    load_state_dict(model, path, unused=UNUSED_KEYS)
    path.unlink()
    return model


@pytest.fixture(scope="module")
def reduced(tmp_path_factory: pytest.TempPathFactory) -> VGGT4Track:
    folder = tmp_path_factory.mktemp("vggt")
    return _load(REDUCED, GOLDENS / "vggt4track_reduced.manifest.json", folder)


@pytest.fixture
def tiny() -> VGGT4Track:
    model = VGGT4Track(TINY).eval()
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    weights = {key: torch.from_numpy(value) for key, value in filled(shapes).items()}
    model.load_state_dict(weights)
    return model


def _frames(length: int, *, height: int = 28) -> "torch.Tensor":
    pixels = np.random.default_rng(length).random((1, length, 3, height, 518), np.float32)
    return torch.from_numpy(pixels)


def _compare(model: VGGT4Track, goldens: Path, case: str) -> None:
    with np.load(goldens) as stored:
        golden = {k.split("/")[1]: stored[k] for k in stored.files if k.startswith(f"{case}/")}
    images = torch.from_numpy(golden["images_u8"]).permute(0, 3, 1, 2).float() / 255
    frames = resize(images)[None]
    compared = 0
    with torch.inference_mode():
        for layer, (local, joined) in enumerate(model.aggregator.layers(frames)):
            tokens = torch.cat([local, joined], dim=-1)
            wanted = golden.get(f"tokens_layer{layer}_first8")
            if wanted is not None:
                _assert_close(tokens[0, :, :8, ::8], wanted, f"tokens of layer {layer}")
                compared += 1
        rounds = model.camera_head(tokens[:, :, 0])
        _assert_close(torch.stack(rounds), golden["pose_enc_list"], "pose encodings")
        poses = torch.linalg.inv(pose.world_to_camera(rounds[-1]))
        _assert_close(poses, golden["poses_pred"], "poses")
        # the published network scales what it saw, after the crop, to the size of its input
        (height, width), (seen_height, seen_width) = images.shape[-2:], frames.shape[-2:]
        focals = pose.focal_lengths(rounds[-1], width=seen_width, height=seen_height)
        scale = torch.tensor([width / seen_width, height / seen_height])
        wanted = golden["intrs"][..., [0, 1], [0, 1]]
        _assert_close(focals * scale, wanted, "focal lengths", atol=1e-3)
    assert compared == 3


def _assert_close(
    got: "torch.Tensor", wanted: np.ndarray, what: str, *, atol: float = 1e-5
) -> None:
    np.testing.assert_allclose(got.numpy(), wanted, rtol=1e-4, atol=atol, err_msg=what)


@pytest.mark.parametrize("case", ["a_28x518_T3", "b_60x300_T2", "c_90x60_T2_portrait"])
def test_reduced_network_agrees_with_the_published_one(reduced: VGGT4Track, case: str) -> None:
    _compare(reduced, GOLDENS / "vggt4track_reduced.npz", case)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VGGT4Track]:
    if not FULL_GOLDENS:
        pytest.skip("needs CLIPMILL_FULL_GOLDENS, the folder of the full-size goldens, and 12 GB")
    manifest = Path(FULL_GOLDENS) / "vggt4track_full.manifest.json"
    yield _load(VGGTConfig(), manifest, tmp_path_factory.mktemp("vggt-full"))


@pytest.mark.slow
@pytest.mark.parametrize("case", ["a_28x518_T3", "b_60x300_T2", "c_56x518_T2"])
def test_full_network_agrees_with_the_published_one(full: VGGT4Track, case: str) -> None:
    _compare(full, Path(FULL_GOLDENS) / "vggt4track_full.npz", case)


def test_default_sizes_are_those_of_the_published_checkpoint() -> None:
    with torch.device("meta"):
        weights = VGGT4Track(VGGTConfig()).state_dict()
    # the checkpoint's 1,341 keys without the depth head's and the unused mask token
    assert len(weights) == 1_278
    assert sum(value.numel() for value in weights.values()) == 1_125_285_906


def test_scaling_equals_the_published_one() -> None:
    with np.load(GOLDENS / "vggt_preprocess_u8.npz") as golden:
        for name, step in (("a", 1), ("b", 4)):
            frames = torch.from_numpy(golden[f"frames_{name}"]).permute(0, 3, 1, 2)
            wanted = golden["out_a" if name == "a" else "out_b_sub4"]
            got = resize(frames).numpy()
            assert got.dtype == np.uint8
            assert name == "a" or got.shape == tuple(golden["out_b_shape"])
            # other builds of torch may round a half the other way
            apart = got[..., ::step, ::step].astype(int) - wanted
            assert np.abs(apart).max() <= 1 and np.abs(apart).mean() < 0.01


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((1920, 1080), (518, 294)),  # 20.8 patches
        ((518, 294), (518, 294)),
        ((1036, 574), (518, 280)),  # 20.5 patches go to the even 20
        ((1036, 602), (518, 308)),  # 21.5 patches go to the even 22
        ((1080, 1920), (518, 924)),
        ((4000, 10), (518, 14)),  # never less than one patch
    ],
)
def test_input_size_keeps_the_aspect_ratio(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert input_size(*size) == wanted


def test_tall_frames_keep_their_middle_rows() -> None:
    assert crop_rows(294) == slice(0, 294)
    assert crop_rows(518) == slice(0, 518)
    assert crop_rows(924) == slice(203, 721)


def test_poses_of_known_encodings() -> None:
    quarter_about_y = [0, np.sqrt(0.5), 0, np.sqrt(0.5)]
    encoding = torch.tensor([1.0, 2, 3, *quarter_about_y, 2 * np.arctan(0.5), np.pi / 2])
    wanted = [[0, 0, 1, 1], [0, 1, 0, 2], [-1, 0, 0, 3], [0, 0, 0, 1]]
    matrix = pose.world_to_camera(encoding)
    np.testing.assert_allclose(matrix.numpy(), wanted, atol=1e-6)
    longer = encoding.clone()
    longer[3:7] *= 3  # only the direction of a quaternion counts
    np.testing.assert_allclose(pose.world_to_camera(longer).numpy(), wanted, atol=1e-6)
    focal = pose.focal_lengths(encoding, width=500, height=300)  # x from the second angle
    np.testing.assert_allclose(focal.numpy(), [250, 300], rtol=1e-6)


def test_cameras_that_are_none_are_not_numbers() -> None:
    nothing = torch.zeros(9)
    assert pose.world_to_camera(nothing)[:3, :3].isnan().all()
    assert pose.focal_lengths(nothing, width=500, height=300).isinf().all()


def test_a_single_frame_has_a_camera(tiny: VGGT4Track) -> None:
    with torch.inference_mode():
        encoding = tiny(_frames(1))
    assert encoding.shape == (1, 1, 9) and encoding.isfinite().all()


def test_clips_of_a_batch_do_not_mix(tiny: VGGT4Track) -> None:
    one, other = _frames(2), _frames(2).flip(1)
    with torch.inference_mode():
        both = tiny(torch.cat([one, other]))
        apart = torch.cat([tiny(one), tiny(other)])
    torch.testing.assert_close(both, apart, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(both[0], both[1], atol=1e-3)


def test_the_first_frame_is_told_from_the_others(tiny: VGGT4Track) -> None:
    alike = _frames(1).expand(1, 3, -1, -1, -1)
    with torch.inference_mode():
        first, second, third = tiny(alike)[0]
    assert not torch.allclose(first, second, atol=1e-3)
    torch.testing.assert_close(second, third, rtol=1e-4, atol=1e-5)


def test_mixed_precision_stays_close_and_gives_full_precision(tiny: VGGT4Track) -> None:
    frames = _frames(3)
    with torch.inference_mode():
        wanted = tiny(frames)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            got = tiny(frames)
    assert got.dtype == torch.float32 and not torch.equal(got, wanted)
    torch.testing.assert_close(got, wanted, rtol=0.05, atol=0.02)


def test_a_pass_can_be_stopped_between_layers(tiny: VGGT4Track) -> None:
    seen = []

    def stop() -> None:
        seen.append(len(seen))
        if len(seen) == 2:
            raise TimeoutError

    with torch.inference_mode(), pytest.raises(TimeoutError):
        tiny(_frames(1), on_layer=stop)
    assert seen == [0, 1]


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({"wide": 3}, "no size wide"),
        ({"depth": 0}, "'depth': 0"),
        ({"depth": "24"}, "'depth': '24'"),
        ({"width": 100, "patch_heads": 3}, "heads must divide"),
        ({"width": 96, "heads": 16, "patch_heads": 6}, "multiple of 4"),
        ([1024], "must be a mapping"),
    ],
)
def test_impossible_sizes_are_refused(sizes: object, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        VGGTConfig.from_mapping(sizes)
