"""Backend `embedded`: masks that the objects step has carried, looked at for entries and exits."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np
from pydantic import Field

from clipmill.annotations.base import BackendConfig, ClipInput, Needs
from clipmill.annotations.inout.derive.crossing import (
    frames_to_border,
    is_going,
    points_stay,
)
from clipmill.annotations.inout.derive.journey import Journey
from clipmill.annotations.inout.masked import InOutConfig, MaskedInOut
from clipmill.annotations.objects.schema import CarriedObject, ObjectsRow
from clipmill.errors import ClipError
from clipmill.store.codecs import decode_mask, encode_mask

if TYPE_CHECKING:
    from clipmill.video import FrameSize, VideoReader


class CarriedMasksConfig(InOutConfig):
    """Settings of the embedded inout backend."""

    # A twentieth of a 720p frame is still about 200 pixels square: enough for an identity.
    min_box_share: float = Field(
        0.05, ge=0, le=1, description="Smallest box that counts, share of the frame."
    )
    # A carried mask takes a few frames to grow back when an object comes out from behind another.
    off_share: float = Field(
        0.1, ge=0, le=1, description="Share of its visible frames a point may be off the mask."
    )


class CarriedMasks(MaskedInOut):
    """Takes the masks from the objects row; nothing is followed twice."""

    name: ClassVar[str] = "embedded"
    version: ClassVar[int] = 4
    Config: ClassVar[type[BackendConfig]] = CarriedMasksConfig
    needs: ClassVar[Needs] = Needs(licence="Apache-2.0 (OpenCV)")
    config: CarriedMasksConfig

    def follow(
        self,
        item: ClipInput,
        reader: "VideoReader",
        journeys: Sequence[Journey],
        size: "FrameSize",
    ) -> None:
        """Fill the journeys from the carried masks of their identities.

        Raises:
            ClipError: The objects come from a backend that carries no masks.
        """
        row: ObjectsRow = item.rows["objects"]
        carried = {one.identity: one for one in row.carried}
        blank = encode_mask(np.zeros((size.height, size.width), bool))
        for journey in journeys:
            one = None if journey.identity is None else carried.get(journey.identity)
            if one is None:
                raise ClipError(
                    f"{item.video.relative_path}: inout backend 'embedded' needs objects whose "
                    "masks are carried through the clip; take objects backend 'isnet' or "
                    "'embedded', or inout backend 'sam2'"
                )
            # Frames without it before it comes in are what tells that it came in.
            begin = max(0, journey.anchor - self.config.back)
            journey.forward.extend(
                _mask_at(one, frame, blank) for frame in range(journey.anchor, journey.end)
            )
            journey.backward.extend(
                _mask_at(one, frame, blank) for frame in range(journey.anchor - 1, begin - 1, -1)
            )
            masks = [mask for mask in map(decode_mask, journey.masks) if mask.any()]
            if not masks:
                continue
            journey.came = is_going(masks[::-1])
            journey.left = is_going(masks) and not _stays(journey, (size.width, size.height))
            journey.before = frames_to_border(masks[::-1])
            journey.after = frames_to_border(masks)


def _stays(journey: Journey, size: tuple[int, int]) -> bool:
    """Whether the points of a thing stay where its mask goes on over the border."""
    numbers = reversed(range(len(journey.forward)))
    backwards = zip(numbers, map(decode_mask, reversed(journey.forward)), strict=True)
    last, mask = next(((number, mask) for number, mask in backwards if mask.any()), (-1, None))
    if mask is None:
        return False
    x, y, across, down = cv2.boundingRect(mask.astype(np.uint8))
    return points_stay(
        journey.points[: last + 1],
        journey.visible[: last + 1],
        np.array([x, y, x + across, y + down], float),
        size=size,
        longer=max(cv2.boundingRect(journey.mask.astype(np.uint8))[2:]),
    )


def _mask_at(one: CarriedObject, frame: int, blank: bytes) -> bytes:
    place = frame - one.first_frame
    return one.masks[place] if 0 <= place < len(one.masks) else blank
