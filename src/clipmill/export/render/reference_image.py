"""Identity images as a trainer wants them: on a background of one's choice, in the frame's size."""

import io
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from clipmill.annotations.inout.schema import IdentityImage
from clipmill.export.content.compose import LeftOutError
from clipmill.export.content.sample import ExportSample
from clipmill.export.render.identity_image import on_background
from clipmill.video import VideoReader

Background = Literal["white", "black", "original"]
"""What surrounds an object in its identity image; `original` is what surrounds it in the video."""

_COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "original": (255, 255, 255)}


def identity_picture(
    sample: ExportSample,
    object_id: str,
    *,
    background: Background,
    size: tuple[int, int] | None = None,
) -> npt.NDArray[np.uint8] | None:
    """Return the main identity image of an object.

    Args:
        sample: The sample.
        object_id: One of its objects.
        background: Around the object. With `original`, the frame that the image was cut out of
            is decoded, and the margins of `size` are white.
        size: (width, height) to centre the image in, scaled down or up so that it fits; its own
            size at source resolution when None.

    Returns:
        uint8 [H, W, 3] RGB; None when the object has no identity image.

    Raises:
        LeftOutError: The image of the workspace cannot be read.
        VideoError: The video cannot be read.
    """
    image = next(e.reference for e in sample.origin.objects if e.object_id == object_id)
    if image is None:
        return None
    if background == "original":
        picture = _cut_from_video(sample, image)
    else:
        try:
            picture = on_background(image.png, background=_COLOURS[background])
        except (UnidentifiedImageError, OSError) as error:
            raise LeftOutError(
                f"the identity image of object {object_id} cannot be read: {error}"
            ) from error
    return picture if size is None else fit_with_margins(picture, size, colour=_COLOURS[background])


def fit_with_margins(
    image: npt.NDArray[np.uint8], size: tuple[int, int], *, colour: tuple[int, int, int]
) -> npt.NDArray[np.uint8]:
    """Centre a picture in a larger or smaller one, its aspect kept.

    Args:
        image: uint8 [h, w, 3] RGB.
        size: (width, height).
        colour: RGB of the margins.

    Returns:
        uint8 [H, W, 3] RGB.
    """
    height, width = image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    fitted = tuple(
        min(most, max(1, round(side * scale)))
        for side, most in zip((width, height), size, strict=True)
    )
    small = Image.fromarray(image).resize((fitted[0], fitted[1]), Image.Resampling.LANCZOS)
    canvas = Image.new("RGB", size, colour)
    canvas.paste(small, ((size[0] - small.width) // 2, (size[1] - small.height) // 2))
    return np.asarray(canvas)


def png_bytes(picture: npt.NDArray[np.uint8]) -> bytes:
    """Return a picture uint8 [H, W, 3] RGB as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def _cut_from_video(sample: ExportSample, image: IdentityImage) -> npt.NDArray[np.uint8]:
    """Return the cut of an identity image with everything that was around the object."""
    with VideoReader(
        sample.origin.uri, index=sample.index, expected_size_bytes=sample.size_bytes
    ) as reader:
        frame = reader.frames([sample.origin.start + image.frame])[0]
    x0, y0, x1, y1 = image.box
    return np.ascontiguousarray(frame[y0:y1, x0:x1])
