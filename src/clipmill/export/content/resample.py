"""Tracks, masks, boxes and regions of an object, moved to the frames and pixels of an export."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from clipmill.annotations.inout.schema import IdentityImage, ObjectInOut, Region
from clipmill.canvas.placement import Box, Placement
from clipmill.export.content.grid import aligned
from clipmill.export.content.timeline import Timeline
from clipmill.samples.schema import SampleObject
from clipmill.store.codecs import (
    decode_bits,
    decode_mask,
    decode_tracks,
    encode_bits,
    encode_mask,
    encode_tracks,
)

_KEPT_REGION = 0.8
"""A region that loses more than a fifth of its area at the border of a cut is left out."""


@dataclass(frozen=True, eq=False)
class Move:
    """From the frames and pixels of a source video to those of an export.

    Attributes:
        timeline: The frames of the export.
        placement: Its pixels.
        anchor: The sample's first frame, counted from the start of the video.
        clip_start: The clip's first frame, counted from the start of the video.
        resample: Whether positions belong to the source frame shown, or to the moment itself.
        region_grid: Sides of regions are moved inward to multiples of this.
    """

    timeline: Timeline
    placement: Placement
    anchor: int
    clip_start: int
    resample: Literal["shown", "interpolated"]
    region_grid: int = 1

    @property
    def positions(self) -> npt.NDArray[np.float64]:
        """float64 [T], where tracks and poses are taken, in frames from the start of the video."""
        if self.resample == "shown":
            return self.timeline.shown.astype(np.float64)
        return self.timeline.positions

    def number_of(self, clip_frame: int) -> int:
        """Return the frame of the export nearest to a frame of the clip (see `Timeline`)."""
        return self.timeline.number_of(clip_frame + self.clip_start)


def move_object(entry: SampleObject, move: Move) -> SampleObject:
    """Return an object of a sample in the frames and pixels of the export.

    Regions that the cut takes too much of are left out, and with the last of them the object's
    place in stage 2.
    """
    points, seen = move_tracks(entry, move)
    regions = tuple(found for region in entry.regions if (found := move_region(region, move)))
    lost = bool(entry.regions) and not regions
    return replace(
        entry,
        points=encode_tracks(points),
        visibility=encode_bits(seen),
        box=tuple(float(side) for side in move.placement.box(entry.box)),
        mask=move_mask(entry.mask, move.placement),
        stage2=entry.stage2 and not lost,
        refusal="no region inside the cut" if entry.stage2 and lost else entry.refusal,
        enter_frame=None if entry.enter_frame is None else move.number_of(entry.enter_frame),
        exit_frame=None if entry.exit_frame is None else move.number_of(entry.exit_frame),
        reference=_move_image(entry.reference, move) if entry.reference else None,
        others=tuple(_move_image(image, move) for image in entry.others),
        regions=regions,
    )


def move_tracks(
    entry: SampleObject, move: Move
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Return points float32 [T, N, 2] and visibility bool [T, N] in the export.

    Between two source frames positions are interpolated along a straight line, and a point is
    seen when it is seen in both. Behind the last tracked frame points stand still, unseen.
    Points outside the picture are kept where they are, unseen.
    """
    points, seen = decode_tracks(entry.points).astype(np.float64), decode_bits(entry.visibility)
    places = move.positions - move.anchor
    there = places <= len(points) - 1 + 1e-9
    places = np.clip(places, 0, len(points) - 1)
    low = np.floor(places + 1e-9).astype(int)
    high = np.minimum(low + 1, len(points) - 1)
    share = np.clip(places - low, 0, 1)[:, None, None]
    between = points[low] * (1 - share) + points[high] * share
    both = seen[low] & np.where(share[:, :, 0] > 1e-6, seen[high], True)
    moved = move.placement.points(between)
    width, height = move.placement.target
    inside = ((moved >= -0.5) & (moved < np.array([width, height]) - 0.5)).all(axis=2)
    return moved, both & there[:, None] & inside


def move_mask(blob: bytes, placement: Placement) -> bytes:
    """Return the part of a mask that is in the picture, at the mask's own resolution."""
    if placement.target == placement.scaled:
        return blob
    mask = decode_mask(blob)
    x0, y0, x1, y1 = placement.window()
    rows = _picked(mask.shape[0], y0, y1)
    columns = _picked(mask.shape[1], x0, x1)
    return encode_mask(mask[rows][:, columns])


def _picked(length: int, low: float, high: float) -> npt.NDArray[np.int64]:
    """Return the rows (or columns) of a mask whose centres sample the share [low, high) of it."""
    count = max(1, round((high - low) * length))
    centres = (low + (np.arange(count) + 0.5) / count * (high - low)) * length
    return np.minimum(centres.astype(np.int64), length - 1)


def move_masks(found: ObjectInOut, move: Move) -> tuple[bytes, ...] | None:
    """Return T masks of an object over the frames of an export; None when there are none."""
    if not found.masks:
        return None
    empty = encode_mask(np.zeros_like(decode_mask(found.masks[0])))
    moved: dict[int, bytes] = {}
    for frame in np.unique(move.timeline.shown).tolist():
        place = frame - move.clip_start - found.first_frame
        blob = found.masks[place] if 0 <= place < len(found.masks) else empty
        moved[frame] = move_mask(blob, move.placement)
    return tuple(moved[frame] for frame in move.timeline.shown.tolist())


def move_region(region: Region, move: Move) -> Region | None:
    """Return a region in pixels of the export; None when the cut or the grid leaves too little."""
    scale = np.divide(move.placement.scaled, move.placement.source)
    full = (np.array(region.box, float).reshape(2, 2) * scale).reshape(4)
    whole = float((full[2] - full[0]) * (full[3] - full[1]))
    box = move.placement.box(region.box)
    if _area(box) < _KEPT_REGION * whole:
        return None
    on_grid = aligned(box, move.placement.target, align=move.region_grid)
    if on_grid is None:
        return None
    return replace(
        region,
        box=on_grid,
        area=_area(on_grid),
        enter_frame=None if region.enter_frame is None else move.number_of(region.enter_frame),
        exit_frame=None if region.exit_frame is None else move.number_of(region.exit_frame),
    )


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _move_image(image: IdentityImage, move: Move) -> IdentityImage:
    """The picture stays at source resolution; its box and frame move."""
    box: Sequence[int] = move.placement.box(image.box)
    return replace(image, box=tuple(box), frame=move.number_of(image.frame))
