"""Writes frames to a video file at a constant rate, with the same bytes every time."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from clipmill.video.writing.x264 import REPEATABLE


def write_video(
    path: Path,
    frames: Iterable[npt.NDArray[np.uint8]],
    fps: int | Fraction,
    *,
    crf: int = 18,
) -> int:
    """Encode frames; frame k is shown at k / fps seconds.

    The same frames and settings give the same bytes.

    Args:
        path: File to write; the suffix chooses the container.
        frames: uint8 [H, W, 3] RGB, all of one size, even sides.
        fps: Frames per second.
        crf: Constant rate factor, lower is better.

    Returns:
        The number of frames written.

    Raises:
        ValueError: There are no frames.
    """
    settings = {"crf": str(crf), "preset": "veryfast", **REPEATABLE}
    count = 0
    with av.open(str(path), "w") as container:
        stream: Any = None
        for frame in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=Fraction(fps), options=settings)
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.thread_count = 1
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            picture.pts = count
            picture.time_base = 1 / Fraction(fps)
            container.mux(stream.encode(picture))
            count += 1
        if stream is None:
            raise ValueError(f"no frames to write to {path}")
        container.mux(stream.encode())
    return count
