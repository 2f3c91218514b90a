"""Pictures drawn from tracks, masks and regions, one per frame of a sample.

A layer gets the number of a frame, and the video's picture of it where it asks for that, and gives
a picture of the same size. All layers of a sample are written in one pass
(`layered_video`).
"""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.canvas.draw import object_rgb
from clipmill.canvas.placement import Box
from clipmill.export.content.grid import aligned
from clipmill.export.content.sample import ExportSample
from clipmill.samples.schema import SampleObject

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

GREY = 127
"""Grey level outside of a region."""

_SHIFT = 4  # cv2.circle takes coordinates in 1/16 pixel


class Layer(Protocol):
    """Draws one video of a sample.

    Attributes:
        needs_picture: Whether it draws on the video's own pictures.
    """

    needs_picture: bool

    def draw(self, frame: int, picture: Picture | None) -> Picture:
        """Return uint8 [H, W, 3] RGB; `picture` itself is never changed."""


def colours_of(sample: ExportSample) -> dict[str, Colour]:
    """Return the colour of each object in drawn pictures: RGB, 0 to 255, by object id."""
    ids = [entry.object_id for entry in sample.row.objects]
    return dict(zip(ids, object_rgb(len(ids)), strict=True))


class Dots:
    """The seen points of all objects as filled discs.

    Args:
        sample: The sample.
        radius: Of a disc, as a share of the picture's height; at least one pixel.
        colour: `object`, one colour per object, or `place`, by where the point is among all of
            the sample's points at the first frame (`place_colours`).
        over: `black`, or `video`.
    """

    def __init__(
        self,
        sample: ExportSample,
        *,
        radius: float,
        colour: Literal["object", "place"] = "object",
        over: Literal["black", "video"] = "black",
    ) -> None:
        self.needs_picture = over == "video"
        self._size = sample.size
        self._radius = round(max(1.0, radius * self._size[1]) * 2**_SHIFT)
        colours = colours_of(sample)
        self._points: list[npt.NDArray[np.int64]] = []
        self._seen: list[npt.NDArray[np.bool_]] = []
        self._colours: list[list[Colour]] = []
        for entry in sample.row.objects:
            points = sample.tracks(entry)
            self._points.append(np.rint(points * 2**_SHIFT).astype(np.int64))
            self._seen.append(sample.visibility(entry))
            self._colours.append([colours[entry.object_id]] * points.shape[1])
        if colour == "place":
            places = place_colours(np.concatenate([points[0] for points in self._points]))
            self._colours = [[places.pop(0) for _ in found] for found in self._colours]

    def draw(self, frame: int, picture: Picture | None) -> Picture:
        """Return the dots of a frame over black, or over a copy of the picture."""
        width, height = self._size
        out = np.zeros((height, width, 3), np.uint8) if picture is None else picture.copy()
        for points, seen, colours in zip(self._points, self._seen, self._colours, strict=True):
            for number in np.flatnonzero(seen[frame]).tolist():
                x, y = points[frame, number].tolist()
                cv2.circle(out, (x, y), self._radius, colours[number], -1, cv2.LINE_AA, _SHIFT)
        return out


class Masks:
    """The mask of every object in its own flat colour over black; later objects cover earlier."""

    needs_picture = False

    def __init__(self, sample: ExportSample, colours: Mapping[str, Colour] | None = None) -> None:
        self._sample = sample
        self._colours = colours_of(sample) if colours is None else colours

    def draw(self, frame: int, picture: Picture | None) -> Picture:
        """Return the masks of a frame."""
        width, height = self._sample.size
        out = np.zeros((height, width, 3), np.uint8)
        for object_id, colour in self._colours.items():
            mask = self._sample.mask(object_id, frame)
            if mask is not None:
                out[mask] = colour
        return out


class KeptMask:
    """White where no object is, black where an object is: what an inpainting model keeps."""

    needs_picture = False

    def __init__(self, sample: ExportSample) -> None:
        self._masks = Masks(sample, dict.fromkeys(sample.masks, (255, 255, 255)))

    def draw(self, frame: int, picture: Picture | None) -> Picture:
        """Return the inverted masks of a frame."""
        return np.asarray(255 - self._masks.draw(frame, None), np.uint8)


class Inside:
    """The video inside a region, grey outside.

    Args:
        box: x0, y0, x1, y1 of the region in pixels of the export, half-open.
    """

    needs_picture = True

    def __init__(self, box: Box) -> None:
        self._box = box

    def draw(self, frame: int, picture: Picture | None) -> Picture:
        """Return the picture with everything outside of the region grey."""
        assert picture is not None
        return only_inside(picture, self._box)


def only_inside(picture: Picture, box: Box) -> Picture:
    """Return a picture uint8 [H, W, 3] with grey outside of a region."""
    x0, y0, x1, y1 = box
    shown = np.full_like(picture, GREY)
    shown[y0:y1, x0:x1] = picture[y0:y1, x0:x1]
    return shown


def largest_region(sample: ExportSample, *, align: int) -> tuple[SampleObject, Box] | None:
    """Return the largest region of the objects that can be an identity, with its object.

    Args:
        sample: The sample.
        align: Sides of regions are moved inward to multiples of this.
    """
    found = [
        (entry, box)
        for entry in sample.row.objects
        if entry.stage2
        for region in entry.regions
        if (box := aligned(region.box, sample.size, align=align)) is not None
    ]
    return max(found, key=lambda pair: _area(pair[1])) if found else None


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def place_colours(points: npt.NDArray[Any]) -> list[Colour]:
    """Return a colour for each point by its place within the box around all of them.

    Blue at the top left corner, red top right, cyan bottom left, yellow bottom right, blended
    between; none is darker than half.

    Args:
        points: [N, 2], x, y.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    across, down = ((points - low) / np.maximum(high - low, 1)).T
    levels = np.stack([across, down, 1 - across], axis=1) * 255
    return [(red, green, blue) for red, green, blue in np.rint(levels).astype(int).tolist()]
