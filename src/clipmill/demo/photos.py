"""Photographs that ship inside Python packages, read as files; nothing is downloaded."""

import zlib
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.demo.spec import Outline
from clipmill.errors import MissingExtraError

PHOTOS = {
    "astronaut": ("scikit-image", "skimage/data/astronaut.png"),
    "brick": ("scikit-image", "skimage/data/brick.png"),
    "chelsea": ("scikit-image", "skimage/data/chelsea.png"),
    "coffee": ("scikit-image", "skimage/data/coffee.png"),
    "grass": ("scikit-image", "skimage/data/grass.png"),
    "gravel": ("scikit-image", "skimage/data/gravel.png"),
    "ihc": ("scikit-image", "skimage/data/ihc.png"),
    "motorcycle": ("scikit-image", "skimage/data/motorcycle_left.png"),
    "rocket": ("scikit-image", "skimage/data/rocket.jpg"),
    "china": ("scikit-learn", "sklearn/datasets/images/china.jpg"),
    "flower": ("scikit-learn", "sklearn/datasets/images/flower.jpg"),
}
"""Name -> (distribution, path of the file in it)."""

EDGE = 1.5
"""Width of the soft edge of a cut-out, pixels."""


def packaged_file(package: str, path: str) -> Path:
    """Return the place of a data file of an installed distribution; it is not imported.

    Raises:
        MissingExtraError: The distribution, or the file in it, is not installed.
    """
    try:
        found = Path(str(distribution(package).locate_file(path)))
    except PackageNotFoundError as error:
        raise MissingExtraError("the demo", "demo", package) from error
    if not found.is_file():
        raise MissingExtraError(f"the demo (file {path})", "demo", package)
    return found


@cache
def load_photo(name: str) -> npt.NDArray[np.uint8]:
    """Return a photograph as uint8 [H, W, 3] RGB; the array is read-only."""
    data = packaged_file(*PHOTOS[name]).read_bytes()
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    image.flags.writeable = False
    return np.asarray(image, np.uint8)


def resized(image: npt.NDArray[Any], width: int, height: int) -> npt.NDArray[Any]:
    """Resize without aliasing: area averaging down, cubic up."""
    shrink = width * height < image.shape[0] * image.shape[1]
    return cv2.resize(
        image, (width, height), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    )


@cache
def backdrop(name: str, width: int, height: int, scale: float) -> npt.NDArray[np.uint8]:
    """Return a photograph enlarged to `scale` times the smallest size that covers the frame."""
    photo = load_photo(name)
    factor = scale * max(width / photo.shape[1], height / photo.shape[0])
    size = round(photo.shape[1] * factor), round(photo.shape[0] * factor)
    return np.asarray(resized(photo, *size), np.uint8)


@cache
def cutout(
    name: str, crop: tuple[int, int, int, int], size: tuple[int, int], outline: Outline
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Return a piece of a photograph and its outline.

    Returns:
        RGB uint8 [H, W, 3] and alpha float32 [H, W] in [0, 1], 0.5 on the outline.
    """
    x0, y0, x1, y1 = crop
    image = resized(load_photo(name)[y0:y1, x0:x1], *size)
    return np.asarray(image, np.uint8), _alpha(size, outline, seed=zlib.crc32(name.encode()))


def _alpha(size: tuple[int, int], outline: Outline, *, seed: int) -> npt.NDArray[np.float32]:
    width, height = size
    # One pixel of room on each side, so that the soft edge ends inside the picture.
    half_w, half_h = width / 2 - 1, height / 2 - 1
    x = (np.arange(width) - (width - 1) / 2)[None] / half_w
    y = (np.arange(height) - (height - 1) / 2)[:, None] / half_h
    power = 4.0 if outline == "superellipse" else 2.0
    radius = (np.abs(x) ** power + np.abs(y) ** power) ** (1 / power)
    if outline == "blob":
        phase = np.random.default_rng(seed).uniform(0, 2 * np.pi, 3)
        angle = np.arctan2(y, x)
        wave = sum(np.cos(k * angle + phase[i]) / k for i, k in enumerate((2, 3, 5)))
        radius = radius / (0.85 + 0.14 * wave)
    # Rough signed distance to the outline in pixels, positive inside.
    inside = (1 - radius) * min(half_w, half_h)
    return np.clip(0.5 + inside / EDGE, 0, 1).astype(np.float32)
