"""Identity images: an object cut out of a few frames, black where it is not."""

import io
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from clipmill.annotations.inout.schema import IdentityImage
from clipmill.store.codecs import decode_mask

_SMALLEST_LEFT_OUT = 0.25


def source_boxes(
    masks: list[npt.NDArray[np.bool_]], *, size: tuple[int, int]
) -> npt.NDArray[np.int32]:
    """Return int32 [T, 4]: x0, y0, x1, y1 of masks in source pixels, half-open, zeros if empty.

    Args:
        masks: bool [H, W] each, at the working size.
        size: (width, height) of the source.
    """
    boxes = np.zeros((len(masks), 4), np.int32)
    for number, mask in enumerate(masks):
        if not mask.any():
            continue
        x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
        across, down = size[0] / mask.shape[1], size[1] / mask.shape[0]
        boxes[number] = (
            int(x * across),
            int(y * down),
            min(size[0], int(np.ceil((x + width) * across))),
            min(size[1], int(np.ceil((y + height) * down))),
        )
    return boxes


def box_areas(boxes: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Return the pixels of each box, int64 [T]."""
    x0, y0, x1, y1 = boxes.T.astype(np.int64)
    return np.asarray((x1 - x0) * (y1 - y0))


def choose_others(
    areas: npt.NDArray[np.int64],
    counting: npt.NDArray[np.int64],
    *,
    main: int,
    count: int,
    seed: int,
) -> list[int]:
    """Choose frames for further identity images.

    The counting frames are ordered by area and the smallest quarter is left out, since small
    cut-outs show little; the rest is drawn from.

    Args:
        areas: int64 [T], box area per frame.
        counting: Frames (positions in `areas`) that are large enough.
        main: Frame of the main image; never chosen again.
        count: Most frames to choose.
        seed: Decides the draw.

    Returns:
        Positions in ascending order.
    """
    ordered = counting[np.argsort(areas[counting], kind="stable")]
    rest = [int(frame) for frame in ordered[int(len(ordered) * _SMALLEST_LEFT_OUT) :]]
    rest = [frame for frame in rest if frame != main]
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rest))
    return sorted(rest[number] for number in order[:count])


@dataclass(frozen=True)
class CutOut:
    """An object cut out of a frame.

    Attributes:
        frame: Frame index from the clip's start.
        box: x0, y0, x1, y1 in source pixels, half-open.
        picture: uint8 [h, w, 3], RGB, exactly this cut, black where the mask is 0.
        sharpness: Variance of the Laplacian inside the mask, over the variance of the grey levels
            (Pech-Pacheco et al., ICPR 2000; relative, so that contrast does not decide).
    """

    frame: int
    box: tuple[int, ...]
    picture: npt.NDArray[np.uint8]
    sharpness: float

    def image(self) -> IdentityImage:
        """Return it as the PNG that rows hold."""
        stream = io.BytesIO()
        Image.fromarray(self.picture).save(stream, "PNG", compress_level=6)
        return IdentityImage(frame=self.frame, box=self.box, png=stream.getvalue())


def cut_out(
    picture: npt.NDArray[np.uint8], mask: bytes, box: tuple[int, ...], *, frame: int
) -> CutOut:
    """Cut an object out of a frame.

    Args:
        picture: uint8 [H, W, 3], RGB, source resolution.
        mask: `encode_mask` blob of the frame, at any resolution.
        box: x0, y0, x1, y1 in source pixels, half-open.
        frame: Frame index from the clip's start.
    """
    coarse = decode_mask(mask).astype(np.float32)
    height, width = picture.shape[:2]
    # Scaling the soft mask and cutting at one half gives a smooth edge instead of stairs.
    fine = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR) > 0.5
    x0, y0, x1, y1 = box
    view, inside = picture[y0:y1, x0:x1], fine[y0:y1, x0:x1]
    cut = np.where(inside[..., None], view, 0).astype(np.uint8)
    return CutOut(frame, tuple(box), cut, _sharpness(view, inside))


def _sharpness(view: npt.NDArray[np.uint8], inside: npt.NDArray[np.bool_]) -> float:
    """Return how sharp a picture is inside a mask; 0 for an empty one."""
    inner = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0) > 0
    if not inner.any():
        return 0.0
    grey = cv2.cvtColor(np.ascontiguousarray(view), cv2.COLOR_RGB2GRAY).astype(np.float32)
    edges = cv2.Laplacian(grey, cv2.CV_32F)[inner]
    return float(edges.var() / (grey[inner].var() + 1.0))
