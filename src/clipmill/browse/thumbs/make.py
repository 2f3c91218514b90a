"""One small picture of a clip."""

import numpy as np

from clipmill.annotations.probe.schema import ProbeRow
from clipmill.clips import Clip, Video
from clipmill.inspection.preview import as_jpeg, source_of
from clipmill.video import FrameIndex, FrameSize, fit_within

LONG_SIDE = 320
"""Longer side of a thumbnail, pixels."""


def thumbnail_frame(index: FrameIndex, clip: Clip) -> int:
    """Return the frame of the video that stands for a clip.

    The key frame nearest to the clip's middle, which takes no other frame to decode; the middle
    where its middle half has none.
    """
    middle, reach = (clip.start + clip.end) // 2, clip.num_frames // 4
    keys = np.flatnonzero(index.keyframes[: clip.end])
    near = keys[np.abs(keys - middle) <= reach]
    return int(near[np.abs(near - middle).argmin()]) if len(near) else middle


def make_clip_thumbnail(video: Video, clip: Clip, probe: ProbeRow) -> bytes:
    """Return the thumbnail of a clip as JPEG.

    Args:
        video: The source file.
        clip: The clip.
        probe: Facts of the file.

    Raises:
        ClipError: The source cannot be decoded, is gone or has changed.
    """
    size = fit_within(probe.width, probe.height, long_side=LONG_SIDE)
    with source_of(video, probe) as reader:
        frame = thumbnail_frame(reader.index, clip)
        picture = reader.frames([frame], size=FrameSize(*size))[0]
    return as_jpeg(picture)
