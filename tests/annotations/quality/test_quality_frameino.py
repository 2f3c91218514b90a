"""The published quality scores as a backend; what is not installed here is told early."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny_models
from clip_inputs import probed
from golden_weights import GOLDENS, filled, manifest_shapes

from clipmill.annotations.quality.embedded import EmbeddedQuality
from clipmill.annotations.quality.frameino import SCORES, FrameinoQuality
from clipmill.demo.scene import Scene, Shot, render, write_video
from clipmill.errors import MissingExtraError
from clipmill.store.codecs import decode_array
from clipmill.store.records import from_dict, to_dict
from clipmill.weights import MissingWeightsError, WeightsError


def save_icnet(path: Path, *, leave_out: str = "") -> Path:
    torch = pytest.importorskip("torch", reason="needs the extra 'models'")
    weights = filled(manifest_shapes(GOLDENS / "icnet.manifest.json"), gain=2**0.5)
    weights.pop(leave_out, None)
    torch.save({k: torch.from_numpy(np.asarray(v)) for k, v in weights.items()}, path)
    return path


@pytest.fixture(scope="module")
def icnet(tmp_path_factory) -> Path:
    return save_icnet(tmp_path_factory.mktemp("icnet") / "ck.pth")


def open_backend(score: str, weights: Path, **settings) -> FrameinoQuality:
    config = FrameinoQuality.Config(
        scores=(score,), weights={score: str(weights)}, device="cpu", **settings
    )
    backend = FrameinoQuality(config)
    backend.setup()
    return backend


@pytest.fixture(scope="module")
def backend(icnet) -> FrameinoQuality:
    return open_backend("complexity", icnet)


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    """Three pictures of ten frames each."""
    frames = []
    for photo in ("motorcycle", "china", "coffee"):
        shot = Shot(num_frames=10, background=photo)
        frames += render(Scene(shots=(shot,), width=320, height=180))
    path = tmp_path_factory.mktemp("quality") / "three.mp4"
    write_video(path, frames, 25)
    return path


def test_complexity_is_the_mean_of_the_published_network_s_scores(backend, video) -> None:
    from PIL import Image

    from clipmill.video import VideoReader

    item = probed(video)
    (row,) = backend.annotate([backend.load(item)])
    assert row.frames == (0, 15, 28)
    with VideoReader(str(video)) as reader:
        frames = reader.frames([0, 15, 28])
    pictures = [
        np.asarray(Image.fromarray(frame).resize((512, 512), Image.Resampling.BILINEAR))
        for frame in frames
    ]
    network = backend._scores["complexity"]
    alone = [network.measure([picture])[0, 0] for picture in pictures]
    assert max(alone) - min(alone) > 0.01
    assert row.complexity == pytest.approx(np.mean(alone), rel=1e-4)
    grey = cv2.cvtColor(frames[0], cv2.COLOR_RGB2GRAY)
    assert row.clarity == pytest.approx(cv2.Laplacian(grey, cv2.CV_64F).var())


def test_scores_of_the_golden_pictures(backend) -> None:
    with np.load(GOLDENS / "icnet.npz") as golden:
        pictures, expected = golden["images_u8"], golden["score_b2"]
    score = backend._scores["complexity"]
    prepared = [score.prepare(picture) for picture in pictures]
    assert (prepared[0] == pictures[0]).all()  # right size already
    np.testing.assert_allclose(score.measure(prepared)[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_a_row_does_not_depend_on_the_clips_beside_it(backend, icnet, video) -> None:
    wide = open_backend("complexity", icnet, frames_per_call=4)
    first, second = probed(video, 0, 12), probed(video, 9, 30)
    for one in (backend, wide):
        loaded = [one.load(first), one.load(second)]
        together = one.annotate(loaded)
        assert together == [one.annotate([clip])[0] for clip in loaded]
        assert together[::-1] == one.annotate(loaded[::-1])


def test_measures_it_does_not_compute_are_empty_and_the_row_survives_storage(
    backend, video
) -> None:
    item = probed(video, 3, 20)
    (row,) = backend.annotate([backend.load(item)])
    assert row.text_area is row.image_quality is row.aesthetic is row.exposure is None
    assert row.text_boxes is None
    assert from_dict(type(row), to_dict(row)) == row
    assert backend.load(item).clarity == row.clarity
    assert EmbeddedQuality.Row is FrameinoQuality.Row


def test_a_clip_of_one_frame_is_measured_three_times(backend, video) -> None:
    (row,) = backend.annotate([backend.load(probed(video, 4, 5))])
    assert row.frames == (0, 0, 0)
    assert 0 < row.complexity < 1


def test_weights_that_do_not_fit_are_refused(tmp_path) -> None:
    path = save_icnet(tmp_path / "ck.pth", leave_out="head.2.bias")
    with pytest.raises(WeightsError, match=r"missing: head\.2\.bias"):
        open_backend("complexity", path)


def test_a_missing_package_is_told_before_any_work(monkeypatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "torch" else found(name, *rest),
    )
    config = FrameinoQuality.Config(scores=("text",))
    with pytest.raises(MissingExtraError, match=r"text.*'torch'.*clipmill\[frameino\]"):
        FrameinoQuality.identity(config)
    with pytest.raises(MissingExtraError, match=r"clipmill\[frameino\]"):
        FrameinoQuality(config).setup()


def test_missing_weights_name_the_command(tmp_path, monkeypatch) -> None:
    pytest.importorskip("torch", reason="needs the extra 'models'")
    monkeypatch.setenv("CLIPMILL_WEIGHTS_DIR", str(tmp_path))
    backend = FrameinoQuality(FrameinoQuality.Config(scores=("complexity",)))
    with pytest.raises(MissingWeightsError, match="clipmill models pull ic9600"):
        backend.setup()


def test_identity_names_every_wanted_score(icnet) -> None:
    pytest.importorskip("torch", reason="needs the extra 'models'")
    config = FrameinoQuality.Config(scores=("complexity",), weights={"complexity": str(icnet)})
    identity = FrameinoQuality.identity(config)
    assert identity["complexity.model"] == "ic9600"
    assert len(identity["complexity.sha256"]) == 64
    assert set(FrameinoQuality.Config().scores) == set(SCORES)


def text_video(path: Path) -> Path:
    shot = Shot(num_frames=4, background="motorcycle")
    scene = Scene(shots=(shot,), width=240, height=136, text="burned-in subtitle\nof two lines")
    write_video(path, render(scene), 25)
    return path


def test_text_area_is_measured_in_the_words_that_the_network_finds(tmp_path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra 'models'")
    noise = np.random.default_rng(0).integers(0, 255, (160, 288, 3)).astype(np.uint8)
    frame = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 8), None, 0, 255, cv2.NORM_MINMAX)
    tiny_models.write_craft(tmp_path, frame)
    backend = open_backend("text", tmp_path)
    score = backend._scores["text"]
    ((area, count),) = score.measure([frame])
    assert count > 4 and 0 < area < 1
    assert (score.measure([frame, frame]) == [[area, count]] * 2).all()
    values, (found, again) = score.locate([frame, frame])
    assert (values == [[area, count]] * 2).all()
    assert len(found) == count and (np.stack(found) == np.stack(again)).all()

    item = probed(text_video(tmp_path / "text.mp4"))
    (row,) = backend.annotate([backend.load(item)])
    assert np.isfinite([row.text_area, row.num_text_boxes]).all()
    boxes = {entry.index: decode_array(entry.corners) for entry in row.text_boxes}
    assert np.mean([len(boxes.get(place, ())) for place in row.frames]) == row.num_text_boxes
    torch.save({"module.other": torch.zeros(1)}, tmp_path / "craft_mlt_25k.pth")
    with pytest.raises(WeightsError, match="missing"):
        open_backend("text", tmp_path)


def test_a_frame_over_the_canvas_is_looked_at_smaller_and_its_boxes_scaled_back(
    tmp_path, monkeypatch
) -> None:
    pytest.importorskip("torch", reason="needs the extra 'models'")
    from clipmill.annotations.quality.scores import text_easyocr

    noise = np.random.default_rng(1).integers(0, 255, (256, 384, 3)).astype(np.uint8)
    frame = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 9), None, 0, 255, cv2.NORM_MINMAX)
    half = cv2.resize(frame, (192, 128), interpolation=cv2.INTER_LINEAR)
    tiny_models.write_craft(tmp_path, half)
    score = open_backend("text", tmp_path)._scores["text"]
    (small,) = score._detect(half[None])
    monkeypatch.setattr(text_easyocr, "_CANVAS", 192)
    (scaled,) = score._detect(frame[None])
    assert len(scaled) == len(small) > 0
    for box, of_half in zip(scaled, small, strict=True):
        assert np.abs(box - 2 * of_half).max() <= 1  # corners are cut to whole pixels last


def test_image_quality_is_that_of_the_published_network(tmp_path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra 'models'")
    tiny_models.write_clip_iqa(tmp_path)
    backend = open_backend("image_quality", tmp_path)
    with np.load(GOLDENS / "clip_iqa_reduced.npz") as golden:
        for number in (0, 1):
            frames, expected = golden[f"pictures_{number}"], golden[f"scores_{number}"]
            found = backend._scores["image_quality"].measure(list(frames))[:, 0]
            np.testing.assert_allclose(found, expected, rtol=2e-6)
    item = probed(text_video(tmp_path / "text.mp4"))
    (row,) = backend.annotate([backend.load(item)])
    assert 0 < row.image_quality < 1
    torch.save(torch.randn(2, 3, 64), tmp_path / "CLIP-IQA+_learned_prompts-603f3273.pth")
    with pytest.raises(WeightsError, match="does not hold the prompts"):
        open_backend("image_quality", tmp_path)


def test_an_archive_that_is_no_clip_is_refused(tmp_path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra 'models'")
    tiny_models.write_clip_iqa(tmp_path)
    for state, match in (
        ({"visual.conv1.weight": torch.zeros(3)}, "holds no CLIP with a ResNet"),
        (None, "no TorchScript archive"),
    ):
        if state is None:
            (tmp_path / "RN50.pt").write_bytes(b"not a zip")
        else:
            tiny_models.write_archive(state, tmp_path / "RN50.pt")
        with pytest.raises(WeightsError, match=match):
            open_backend("image_quality", tmp_path)


def test_aesthetic_from_a_random_network(tmp_path) -> None:
    pytest.importorskip("torch", reason="needs the extra 'models'")
    tiny_models.write_nima(tmp_path)
    backend = open_backend("aesthetic", tmp_path)
    item = probed(text_video(tmp_path / "text.mp4"))
    (row,) = backend.annotate([backend.load(item)])
    assert 1 <= row.aesthetic <= 10
