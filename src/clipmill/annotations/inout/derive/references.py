"""Cuts the identity images of all objects of a clip, each frame decoded once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from clipmill.annotations.base import ClipInput
from clipmill.annotations.inout.derive.identity_images import CutOut, cut_out
from clipmill.annotations.inout.schema import ObjectInOut

if TYPE_CHECKING:
    from clipmill.video import VideoReader

_AT_ONCE = 8
"""Source-size frames in memory at once."""


@dataclass(frozen=True)
class Draft:
    """An object before its identity images are cut.

    Attributes:
        entry: The entry without images.
        wanted: Frames (clip index) to cut out, the main one first, then candidates of which the
            sharpest are kept.
        boxes: int32 [T, 4] from `entry.first_frame` on.
    """

    entry: ObjectInOut
    wanted: tuple[int, ...]
    boxes: npt.NDArray[np.int32]


Images = Mapping[tuple[str, int], CutOut]


def cut_images(item: ClipInput, reader: "VideoReader", drafts: Sequence[Draft]) -> Images:
    """Cut all wanted images, decoding each frame once and few at a time."""
    frames = sorted({frame for draft in drafts for frame in draft.wanted})
    images: dict[tuple[str, int], CutOut] = {}
    for begin in range(0, len(frames), _AT_ONCE):
        some = frames[begin : begin + _AT_ONCE]
        pictures = reader.frames([item.clip.start + frame for frame in some])
        for frame, picture in zip(some, pictures, strict=True):
            for draft in drafts:
                if frame in draft.wanted:
                    position = frame - draft.entry.first_frame
                    box = tuple(int(edge) for edge in draft.boxes[position])
                    images[draft.entry.object_id, frame] = cut_out(
                        picture, draft.entry.masks[position], box, frame=frame
                    )
    return images


def with_images(draft: Draft, images: Images, num_others: int) -> ObjectInOut:
    """Return the entry with its main image and the sharpest of the others, in frame order."""
    main, *others = (images[draft.entry.object_id, frame] for frame in draft.wanted)
    sharpest = sorted(others, key=lambda cut: (-cut.sharpness, cut.frame))[:num_others]
    kept = sorted(sharpest, key=lambda cut: cut.frame)
    return replace(draft.entry, reference=main.image(), others=tuple(cut.image() for cut in kept))
