"""What is drawn over a clip: tracks, outlines of masks, boxes, regions, text; plain lists for JSON.

All coordinates are source pixels, x right, y down. Frames count from the clip's start.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.inout.schema import ObjectInOut
from clipmill.annotations.objects.schema import DetectedObject
from clipmill.annotations.quality.schema import QualityRow
from clipmill.annotations.tracks.schema import ObjectTracks
from clipmill.store.codecs import decode_array, decode_bits, decode_mask, decode_tracks

SIMPLIFY = 0.8
"""Outlines may be off by this many preview pixels."""

MIN_AREA = 6.0
"""Specks under this area, in square preview pixels, are not drawn."""

Polygon = list[float]
"""x0, y0, x1, y1, ..."""


def outlines(mask: bytes, *, preview: tuple[int, int], source: tuple[int, int]) -> list[Polygon]:
    """Return the outlines of a mask, holes included, for filling by the even-odd rule.

    Args:
        mask: `encode_mask` blob.
        preview: Width and height the outline is taken at.
        source: Width and height of the source; coordinates of the result.
    """
    width, height = preview
    grid = decode_mask(mask, size=(height, width)).astype(np.uint8)
    found, _ = cv2.findContours(grid, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    scale = np.array([source[0] / width, source[1] / height])
    polygons = []
    for contour in found:
        if cv2.contourArea(contour) < MIN_AREA:
            continue
        line = cv2.approxPolyDP(contour, SIMPLIFY, closed=True)[:, 0]
        if len(line) >= 3:
            polygons.append(_short((line + 0.5) * scale).ravel().tolist())
    return polygons


def track_layer(
    track: ObjectTracks, *, keep: npt.NDArray[np.bool_], start: int = 0, end: int | None = None
) -> dict[str, Any]:
    """Return the tracks of an object.

    Args:
        track: Its tracks.
        keep: bool [N]: points to draw.
        start: Frames before are left out.
        end: Frames from here on are left out.

    Returns:
        `first` (frame), `points` (per frame x0, y0, x1, y1, ...), `seen` (per frame a text of
        0 and 1, one per point).
    """
    first = max(track.anchor, start)
    last = None if end is None else max(0, end - track.anchor)
    points = decode_tracks(track.points)[first - track.anchor : last, keep]
    seen = decode_bits(track.visibility)[first - track.anchor : last, keep]
    return {
        "first": first,
        "points": _short(points).reshape(len(points), -1).tolist(),
        "seen": ["".join("1" if flag else "0" for flag in row) for row in seen],
    }


def drawn_points(track: ObjectTracks, inout: ObjectInOut | None) -> npt.NDArray[np.bool_]:
    """Return which points of an object are drawn: those that training would use, else all."""
    keep = decode_bits(track.survived)
    if inout is not None and not inout.refusal:
        on_mask = keep & decode_bits(inout.point_valid)
        keep = on_mask if on_mask.any() else keep
    return keep if keep.any() else np.ones_like(keep)


def mask_layer(
    masks: Sequence[bytes],
    first_frame: int,
    boxes: npt.NDArray[np.int32] | None,
    *,
    preview: tuple[int, int],
    source: tuple[int, int],
    end: int,
    start: int = 0,
) -> dict[str, Any]:
    """Return masks and boxes over time: `first`, `masks` (per frame polygons), `boxes`.

    Args:
        masks: `encode_mask` blobs, one a frame.
        first_frame: Frame of the first.
        boxes: Their boxes [T, 4], zeros where there is none; taken from the outlines when None.
        preview: See `outlines`.
        source: See `outlines`.
        end: Frames from here on are left out.
        start: Frames before are left out.
    """
    first = max(first_frame, start)
    part = slice(first - first_frame, max(0, end - first_frame))
    shapes = [outlines(mask, preview=preview, source=source) for mask in masks[part]]
    if boxes is None:
        found = list(map(_box_around, shapes))
    else:
        found = [box.tolist() if box.any() else None for box in boxes[part]]
    return {"first": first, "masks": shapes, "boxes": found}


def _box_around(shapes: Sequence[Polygon]) -> list[float] | None:
    if not shapes:
        return None
    xs, ys = [x for flat in shapes for x in flat[::2]], [y for flat in shapes for y in flat[1::2]]
    return [min(xs), min(ys), max(xs), max(ys)]


def anchor_layer(
    found: DetectedObject, anchor: int, *, preview: tuple[int, int], source: tuple[int, int]
) -> dict[str, Any]:
    """Return the mask at the anchor, for objects without masks over time."""
    box = [float(value) for value in _short(np.array(found.box))]
    return {
        "first": anchor,
        "masks": [outlines(found.mask, preview=preview, source=source)],
        "boxes": [box],
    }


def regions(inout: ObjectInOut | None, *, count: int = 5) -> list[dict[str, Any]]:
    """Return the largest regions of an object, largest first."""
    found: Sequence[Any] = inout.regions if inout is not None and not inout.refusal else ()
    return [
        {
            "box": list(region.box),
            "aspect": region.aspect,
            "enter": region.enter_frame,
            "exit": region.exit_frame,
        }
        for region in reversed(found[-count:])
    ]


def text_layer(row: QualityRow) -> list[dict[str, Any]] | None:
    """Return the text of every looked-at frame, in order; None where the row does not tell.

    Returns:
        Each `frame` and `boxes`, polygons x0, y0, x1, y1, ..., none where no text was found.
    """
    if row.text_boxes is None:
        return None
    found = {entry.index: decode_array(entry.corners) for entry in row.text_boxes}
    return [
        {"frame": frame, "boxes": found[frame].reshape(-1, 8).tolist() if frame in found else []}
        for frame in sorted({*row.frames, *found})
    ]


def _short(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Round to a tenth of a pixel."""
    return np.asarray(values, np.float64).round(1)
