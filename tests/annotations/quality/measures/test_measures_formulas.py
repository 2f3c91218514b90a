"""Each measure answers to what it is named after, and stays finite on dull frames."""

import cv2
import numpy as np
import pytest

from clipmill.annotations.quality.measures import formulas
from clipmill.demo.photos import load_photo


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(load_photo("china")[:400, :640])


@pytest.fixture(scope="module")
def grey(photo) -> np.ndarray:
    return formulas.grey_of(photo)


GREY_MEASURES = [
    formulas.clarity,
    formulas.exposure,
    formulas.contrast,
    formulas.noise,
    formulas.blockiness,
    formulas.entropy,
]


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("shape", [(480, 854), (2, 2), (1, 1), (8, 8), (9, 3)])
def test_constant_frames_give_finite_values(level, shape) -> None:
    frame = np.full((*shape, 3), level, np.uint8)
    grey = formulas.grey_of(frame)
    values = {measure.__name__: measure(grey) for measure in GREY_MEASURES}
    assert values.pop("exposure") == pytest.approx(level / 255, abs=1e-6)
    assert set(values.values()) == {0.0}
    assert formulas.colorfulness(frame) == pytest.approx(0, abs=1e-6)


def test_clarity_is_the_variance_of_the_laplacian() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (7, 9), dtype=np.uint8)
    padded = np.pad(grey.astype(float), 1, mode="reflect")
    laplacian = (
        padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    ) - 4 * padded[1:-1, 1:-1]
    assert formulas.clarity(grey) == pytest.approx(laplacian.var())


def test_blur_lowers_clarity(grey) -> None:
    assert formulas.clarity(cv2.GaussianBlur(grey, (0, 0), 2)) < formulas.clarity(grey) / 10


@pytest.mark.parametrize("sigma", [2.0, 5.0, 10.0])
def test_noise_is_measured_in_levels(sigma) -> None:
    ramp = np.linspace(60, 180, 640)[None].repeat(400, axis=0)
    noisy = ramp + np.random.default_rng(2).normal(0, sigma, ramp.shape)
    assert formulas.noise(noisy.round().astype(np.uint8)) == pytest.approx(sigma, rel=0.05)


def test_strong_jpeg_compression_raises_blockiness(grey) -> None:
    found = []
    for quality in (95, 30, 8):
        data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        found.append(formulas.blockiness(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)))
    assert found[0] == pytest.approx(0, abs=0.05)
    assert found[0] < found[1] < found[2]
    assert found[2] > 0.4


def test_colorfulness_of_known_pictures(photo) -> None:
    assert formulas.colorfulness(np.repeat(photo[..., :1], 3, axis=2)) == pytest.approx(0)
    flat = np.zeros((4, 4, 3), np.uint8)
    flat[...] = (200, 100, 50)
    # rg = 100, yb = 100 everywhere: no spread, 0.3 times the length of the mean.
    assert formulas.colorfulness(flat) == pytest.approx(0.3 * np.hypot(100, 100))
    assert formulas.colorfulness(photo) > 15


def test_exposure_contrast_and_entropy_of_known_pictures() -> None:
    half = np.zeros((10, 10), np.uint8)
    half[:, 5:] = 255
    assert formulas.exposure(half) == pytest.approx(0.5)
    assert formulas.contrast(half) == pytest.approx(0.5)
    assert formulas.entropy(half) == pytest.approx(1.0)
    assert formulas.entropy(np.arange(256, dtype=np.uint8).reshape(16, 16)) == pytest.approx(8)
