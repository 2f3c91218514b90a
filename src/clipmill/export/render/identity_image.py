"""Identity images as files, and on a background of one's choice."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from clipmill.export.content.pieces import Member
from clipmill.manifest.names import identity_name
from clipmill.samples.schema import SampleObject


def identity_files(entry: SampleObject, scratch: Path, *, folder: str) -> Iterator[Member]:
    """Write the identity images of an object, the main one first, as the workspace has them.

    Args:
        entry: The object; without a reference nothing is written.
        scratch: Where the files are made.
        folder: Folder of the export.
    """
    if entry.reference is None:
        return
    for number, image in enumerate((entry.reference, *entry.others)):
        name = identity_name(entry.object_id, number, folder=folder)
        file = scratch / name.extension
        file.write_bytes(image.png)
        yield Member(*name, file)


def on_background(png: bytes, *, background: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """Return an identity image on a plain background.

    Pixels that are exactly black and connected to the border through black are taken for the
    outside of the mask.

    Args:
        png: RGB, black outside of the mask.
        background: RGB, 0 to 255.

    Returns:
        uint8 [H, W, 3] RGB.
    """
    image = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    filled = np.where(_outside(image)[:, :, None], np.array(background, np.uint8), image)
    return filled.astype(np.uint8)


def _outside(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return the black pixels that black connects with the border, [H, W]."""
    import cv2

    black = (image == 0).all(axis=2).astype(np.uint8)
    padded = np.pad(black, 1, constant_values=1)
    _, labels = cv2.connectedComponents(padded, connectivity=4)
    return np.asarray((labels == labels[0, 0])[1:-1, 1:-1])
