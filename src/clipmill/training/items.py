"""What a training step gets."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch.utils.data import default_collate


@dataclass(frozen=True)
class SampleMeta:
    """Where a sample comes from.

    Attributes:
        sample_id: `{clip_id}-a{anchor}`.
        uri: The video.
        frames: Numbers of the T frames, from 0 at the start of the video.
        fps: Frames per second of the returned frames: the source's, divided by the stride.
        source_fps: Frames per second of the video.
        object_ids: Drawn objects; number k has colour k of `object_colours`.
        class_names: Their classes.
        caption_origin: `provided`, `model` or `template`; empty without a caption.
        identity: Object id of the identity (stage 2); empty in stage 1.
        identity_dropped: Whether the identity image was blanked.
    """

    sample_id: str
    uri: str
    frames: tuple[int, ...]
    fps: float
    source_fps: float
    object_ids: tuple[str, ...]
    class_names: tuple[str, ...]
    caption_origin: str
    identity: str = ""
    identity_dropped: bool = False


@dataclass(frozen=True, eq=False)
class MotionSample:
    """A sample of stage 1; T is 4N+1, pictures are RGB, channels first.

    Attributes:
        video: float32 [T, 3, H, W] in [-1, 1].
        trajectory: float32 [T, 3, H, W] in [-1, 1]: soft dots, one colour per object.
        first_frame: float32 [3, H, W] in [-1, 1], `video[0]`.
        caption: Text.
        points: One float32 [T, N, 2] per drawn object: x (right), y (down) in pixels of the
            sample, pixel centres at whole numbers; may lie outside the picture.
        visibility: One bool [T, N] per drawn object.
        meta: Where it comes from.
    """

    video: torch.Tensor
    trajectory: torch.Tensor
    first_frame: torch.Tensor
    caption: str
    points: tuple[torch.Tensor, ...]
    visibility: tuple[torch.Tensor, ...]
    meta: SampleMeta


@dataclass(frozen=True, eq=False)
class InOutSample(MotionSample):
    """A sample of stage 2: everything of stage 1, and what is listed here.

    Attributes:
        first_frame: float32 [3, H, W] in [-1, 1], `video[0]` inside the region, -1 (black)
            outside.
        region_mask: float32 [1, H, W], 1 inside the region, 0 outside.
        region: int64 [4]: x0, y0, x1, y1 of the region in pixels of the sample, half-open.
        identity: float32 [3, H, W] in [-1, 1]: the object cut out, scaled so that it fits,
            centred on black; all -1 when dropped.
    """

    region_mask: torch.Tensor
    region: torch.Tensor
    identity: torch.Tensor


def collate(samples: Sequence[MotionSample]) -> dict[str, Any]:
    """Make a batch for `DataLoader(collate_fn=collate)`.

    Returns:
        A dict by field name: pictures and regions stacked to [B, ...]; `caption`, `points`,
        `visibility` and `meta` as lists, one entry per sample.

    Raises:
        RuntimeError: Samples of different length or size (see `min_frames`).
    """
    batch: dict[str, Any] = {}
    for field in fields(samples[0]):
        values = [getattr(sample, field.name) for sample in samples]
        # Torch's own collation stacks into shared memory where this is a worker.
        batch[field.name] = default_collate(values) if torch.is_tensor(values[0]) else values
    return batch
