"""Stage 2: which object and region a sample is about, and the object's picture."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from clipmill.errors import ClipError
from clipmill.training.reading.stored import StoredSample


@dataclass(frozen=True)
class ChosenIdentity:
    """What a stage-2 sample is about.

    Attributes:
        object_id: The object.
        region: x0, y0, x1, y1 in source pixels, half-open.
        picture: Reads the object's image, a PNG file.
    """

    object_id: str
    region: tuple[int, ...]
    picture: Callable[[], bytes]


def choose_identity(
    sample: StoredSample, rng: np.random.Generator, *, largest_regions: int
) -> ChosenIdentity:
    """Draw the identity and one of its largest regions.

    Raises:
        ClipError: No object of the sample has both.
    """
    able = [
        (entry.object_id, entry.regions, entry.picture)
        for entry in sample.objects
        if entry.stage2 and entry.picture and entry.regions
    ]
    if not able:
        raise ClipError(
            f"sample {sample.sample_id} has no object with an identity image and a region"
        )
    object_id, regions, picture = able[rng.integers(len(able))]
    boxes = sorted((region.area, region.box) for region in regions)[-largest_regions:]
    return ChosenIdentity(object_id, boxes[rng.integers(len(boxes))][1], picture)


def padded(png: bytes, *, onto: torch.Tensor) -> torch.Tensor:
    """Scale a PNG so that it just fits, and put it into the middle of a picture.

    Args:
        png: RGB image file.
        onto: float32 [3, H, W] in [-1, 1]; changed and returned.

    Raises:
        ClipError: The image cannot be read.
    """
    try:
        with Image.open(io.BytesIO(png)) as file:
            image = file.convert("RGB")
    except (OSError, SyntaxError) as error:  # Pillow raises the latter on broken chunks
        raise ClipError(f"the identity image cannot be read: {error}") from error
    height, width = onto.shape[1:]
    scale = min(width / image.width, height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    pixels = np.asarray(image.resize(size, Image.Resampling.BICUBIC), np.float32)
    x, y = (width - size[0]) // 2, (height - size[1]) // 2
    centred = torch.from_numpy(pixels).permute(2, 0, 1) / 127.5 - 1
    onto[:, y : y + size[1], x : x + size[0]] = centred
    return onto
