"""Carries the masks of all objects of a clip, forward with their tracks and back without.

The clip is decoded once forwards, at the working size, and once more in short pieces backwards
where there is something before an anchor; no more than one piece is in memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.annotations.inout.carrier import Carrier, TrackedPoints
from clipmill.annotations.inout.colours import Mask, Picture
from clipmill.annotations.inout.motion import compare
from clipmill.vision.dense_flow import FlowEstimator
from clipmill.store.codecs import encode_mask

if TYPE_CHECKING:
    from clipmill.annotations.base import ClipInput
    from clipmill.video import FrameSize, VideoReader

_PIECE = 32
_PATIENCE = 12
_FEWEST_PIXELS = 4.0


@dataclass(frozen=True)
class CarryLimits:
    """Settings of the carrying.

    Attributes:
        back: Frames to look back from an anchor.
        present_share: Share of the mask at the anchor below which an object is not seen.
        snap_every: Frames between two fits of the mask to the colours.
    """

    back: int
    present_share: float
    snap_every: int


@dataclass
class Journey:
    """One object on its way through a clip; frames count from the clip's start.

    Attributes:
        anchor: Frame of its mask.
        mask: bool [H, W] at the working size.
        points: float [T, N, 2], x, y in working pixels, from the anchor on.
        visible: bool [T, N].
        forward: `encode_mask` blobs from the anchor on, filled by `carry`.
        backward: The same before the anchor, nearest first.
        left: Whether it went out over the picture's edge at the end.
        came: Whether it came in over the picture's edge at the beginning.
    """

    anchor: int
    mask: Mask
    points: npt.NDArray[np.floating]
    visible: npt.NDArray[np.bool_]
    forward: list[bytes] = field(default_factory=list)
    backward: list[bytes] = field(default_factory=list)
    left: bool = False
    came: bool = False

    @property
    def end(self) -> int:
        """One past the last frame that has tracks."""
        return self.anchor + len(self.points)

    @property
    def first_frame(self) -> int:
        """Frame of the first mask."""
        return self.anchor - len(self.backward)

    @property
    def masks(self) -> tuple[bytes, ...]:
        """All masks, from `first_frame` on."""
        return (*reversed(self.backward), *self.forward)

    def tracked(self, frame: int) -> TrackedPoints:
        """Return the tracks at a frame from the anchor on."""
        step = frame - self.anchor
        return TrackedPoints(self.points[0], self.points[step], self.visible[step])

    def carrier(self, picture: Picture, limits: CarryLimits) -> Carrier:
        """Begin to carry the mask of the anchor."""
        least = max(_FEWEST_PIXELS, limits.present_share * float(self.mask.sum()))
        return Carrier(picture, self.mask, present_area=least, snap_every=limits.snap_every)


def carry(
    item: "ClipInput",
    reader: "VideoReader",
    journeys: Sequence[Journey],
    *,
    size: "FrameSize",
    flows: FlowEstimator,
    limits: CarryLimits,
) -> None:
    """Fill the masks of all journeys.

    Args:
        item: The clip.
        reader: Open reader of its video.
        journeys: Objects whose masks are not empty and whose tracks have at least one frame.
        size: Working size, RGB.
        flows: The flow estimator.
        limits: Settings.
    """
    if not journeys:
        return
    start = min(journey.anchor for journey in journeys)
    end = max(journey.end for journey in journeys)
    offset = item.clip.start
    frames = (
        (streamed.index - offset, streamed.images["work"])
        for streamed in reader.stream(offset + start, offset + end, sizes={"work": size})
    )
    _walk(frames, journeys, flows, limits, forward=True)
    last = max(journey.anchor for journey in journeys)
    first = max(0, min(journey.anchor for journey in journeys) - limits.back)
    pieces = _backwards(item, reader, size, first=first, last=last)
    _walk(pieces, journeys, flows, limits, forward=False)


def _backwards(
    item: "ClipInput", reader: "VideoReader", size: "FrameSize", *, first: int, last: int
) -> Iterator[tuple[int, Picture]]:
    """Yield the frames last, last - 1, ..., first of the clip."""
    offset = item.clip.start
    for high in range(last + 1, first, -_PIECE):
        low = max(first, high - _PIECE)
        stream = reader.stream(offset + low, offset + high, sizes={"work": size})
        piece = [streamed.images["work"] for streamed in stream]
        for index in range(len(piece) - 1, -1, -1):
            yield low + index, piece[index]


def _walk(
    frames: Iterator[tuple[int, Picture]],
    journeys: Sequence[Journey],
    flows: FlowEstimator,
    limits: CarryLimits,
    *,
    forward: bool,
) -> None:
    """Carry all journeys along frames that run in one direction of time."""
    carriers: dict[int, Carrier] = {}
    lost: dict[int, int] = {}
    done: set[int] = set()
    before: npt.NDArray[np.uint8] | None = None
    covered = np.zeros(journeys[0].mask.shape, bool)
    for frame, picture in frames:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        motion = None
        if carriers and before is not None:
            motion = compare(grey, before, flows, objects=covered)
        covered = np.zeros_like(covered)
        for number, journey in enumerate(journeys):
            if number in carriers and motion is not None:
                points = journey.tracked(frame) if forward else None
                mask = carriers[number].advance(picture, motion, points)
                (journey.forward if forward else journey.backward).append(encode_mask(mask))
                lost[number] = 0 if mask.any() else lost[number] + 1
                covered |= mask
            elif journey.anchor == frame:
                carriers[number] = journey.carrier(picture, limits)
                lost[number] = 0
                covered |= journey.mask
                if forward:
                    journey.forward.append(encode_mask(journey.mask))
            if number in carriers and _finished(journey, frame, lost[number], limits, forward):
                _settle(journey, carriers.pop(number), forward=forward)
                done.add(number)
        before = grey
        if len(done) == len(journeys):
            return
    for number, carrier in carriers.items():
        _settle(journeys[number], carrier, forward=forward)


def _finished(journey: Journey, frame: int, lost: int, limits: CarryLimits, forward: bool) -> bool:
    if forward:
        return frame == journey.end - 1
    # Without tracks, nothing would bring a lost object back.
    return frame <= max(0, journey.anchor - limits.back) or lost >= _PATIENCE


def _settle(journey: Journey, carrier: Carrier, *, forward: bool) -> None:
    """Note whether the object went over the picture's edge."""
    gone = carrier.gone and not carrier.seen
    if forward:
        journey.left = gone
    else:
        journey.came = gone
