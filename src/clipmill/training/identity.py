"""Stage 2: which object and region a sample is about, and the object's picture."""

import io
from typing import Any

import numpy as np
import torch
from PIL import Image

from clipmill.errors import ClipError


def choose_identity(
    row: dict[str, Any], rng: np.random.Generator, *, largest_regions: int
) -> tuple[dict[str, Any], tuple[int, ...]]:
    """Draw the identity and one of its largest regions."""
    able = [o for o in row["objects"] if o["stage2"] and o["reference"] and o["regions"]]
    if not able:
        raise ClipError(
            f"sample {row['sample_id']} has no object with an identity image and a region"
        )
    chosen = able[rng.integers(len(able))]
    boxes = sorted((r["area"], tuple(r["box"])) for r in chosen["regions"])
    boxes = boxes[-largest_regions:]
    return chosen, boxes[rng.integers(len(boxes))][1]


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
