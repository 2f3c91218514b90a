"""A sample's objects painted over its frames: masks, boxes, tracks and the region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.inout.schema import ObjectInOut
from clipmill.canvas.draw import object_rgb
from clipmill.canvas.placement import Box, Placement
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.store.codecs import decode_array, decode_bits, decode_mask, decode_tracks

TAIL = 12
"""Frames that the tail of a point reaches back."""

_OPACITY = 0.35
_SHIFT = 4  # cv2 takes coordinates in 1/16 pixel
_WHITE = (255, 255, 255)

Colour = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class PaintedObject:
    """One object in pixels of the picture; frames count from the sample's first one.

    Attributes:
        colour: RGB.
        points: int [T, N, 2]: x, y in 1/16 pixel.
        seen: bool [T, N].
        masks: `encode_mask` blobs by frame.
        boxes: x0, y0, x1, y1 by frame, half-open.
        region: The largest Frame-In / Frame-Out region; None without one.
    """

    colour: Colour
    points: npt.NDArray[np.int64]
    seen: npt.NDArray[np.bool_]
    masks: Mapping[int, bytes]
    boxes: Mapping[int, Box]
    region: Box | None


class SamplePainter:
    """Paints the objects of one sample.

    Args:
        sample: The sample.
        inouts: Masks over time by object id; an object without is masked at the anchor only.
        size: (width, height) of the pictures.
    """

    def __init__(
        self, sample: SampleRow, inouts: Mapping[str, ObjectInOut], *, size: tuple[int, int]
    ) -> None:
        self._placement = Placement.stretched((sample.width, sample.height), size)
        self.colours = object_rgb(len(sample.objects))
        self._objects = [
            self._object(sample, entry, inouts.get(entry.object_id), colour)
            for entry, colour in zip(sample.objects, self.colours, strict=True)
        ]

    def _object(
        self, sample: SampleRow, entry: SampleObject, inout: ObjectInOut | None, colour: Colour
    ) -> PaintedObject:
        masks, boxes = {0: entry.mask}, {0: entry.box}
        if inout is not None and inout.masks:
            first = inout.first_frame - sample.anchor
            found = enumerate(zip(inout.masks, decode_array(inout.boxes), strict=True), first)
            seen = {number: (mask, tuple(box)) for number, (mask, box) in found if box.any()}
            masks = {number: mask for number, (mask, _) in seen.items()}
            boxes = {number: box for number, (_, box) in seen.items()}
        points = self._placement.points(decode_tracks(entry.points))
        region = entry.regions[-1].box if entry.stage2 and entry.regions else None
        return PaintedObject(
            colour=colour,
            points=np.rint(points * 2**_SHIFT).astype(np.int64),
            seen=decode_bits(entry.visibility),
            masks=masks,
            boxes={number: self._placement.box(box) for number, box in boxes.items()},
            region=self._placement.box(region) if region else None,
        )

    def paint(self, picture: npt.NDArray[np.uint8], frame: int) -> npt.NDArray[np.uint8]:
        """Return a picture with the objects over it.

        Args:
            picture: uint8 [H, W, 3] RGB, of the size given; left as it is.
            frame: Its number, counted from the sample's first frame.

        Returns:
            uint8 [H, W, 3] RGB.
        """
        out = picture.copy()
        for entry in self._objects:
            if frame in entry.masks:
                _paint_mask(out, entry.masks[frame], entry.colour)
        for entry in self._objects:
            _paint_tracks(out, entry, frame)
            if frame in entry.boxes:
                _rectangle(out, entry.boxes[frame], entry.colour, thickness=1)
            if entry.region is not None:
                _rectangle(out, entry.region, _WHITE, thickness=3)
                _rectangle(out, entry.region, entry.colour, thickness=1)
        return out


def _paint_mask(out: npt.NDArray[np.uint8], blob: bytes, colour: Colour) -> None:
    mask = decode_mask(blob, size=(out.shape[0], out.shape[1]))
    if not mask.any():
        return
    covered = out[mask].astype(np.float32)
    out[mask] = np.rint(covered + _OPACITY * (np.array(colour) - covered)).astype(np.uint8)
    lines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(out, lines, -1, colour, 1, cv2.LINE_AA)


def _paint_tracks(out: npt.NDArray[np.uint8], entry: PaintedObject, frame: int) -> None:
    """Draw the points that are seen, each with its way over the last frames."""
    if frame >= len(entry.points):
        return
    radius = max(1.5, 0.006 * out.shape[0])
    first = max(0, frame - TAIL)
    for point in np.flatnonzero(entry.seen[frame]).tolist():
        hidden = np.flatnonzero(~entry.seen[first:frame, point])
        since = first + int(hidden[-1]) + 1 if len(hidden) else first
        way = entry.points[since : frame + 1, point]
        cv2.polylines(out, [way.astype(np.int32)], False, entry.colour, 1, cv2.LINE_AA, _SHIFT)
        _dot(out, way[-1].tolist(), radius + 1, _WHITE)
        _dot(out, way[-1].tolist(), radius, entry.colour)


def _dot(out: npt.NDArray[Any], centre: Sequence[int], radius: float, colour: Colour) -> None:
    x, y = centre
    cv2.circle(out, (x, y), round(radius * 2**_SHIFT), colour, -1, cv2.LINE_AA, _SHIFT)


def _rectangle(out: npt.NDArray[Any], box: Box, colour: Colour, *, thickness: int) -> None:
    x0, y0, x1, y1 = box
    cv2.rectangle(out, (x0, y0), (x1 - 1, y1 - 1), colour, thickness)
