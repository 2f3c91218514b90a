"""From decoded frames to arrays: orientation, colour, size."""

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from clipmill.video.orientation import orientation_of
from clipmill.video.sizes import FrameSize


class Converter:
    """Turns decoded frames into arrays of one size and layout.

    At native size this is ffmpeg's own default conversion (bicubic chroma, the colour matrix
    and range of the frame, BT.601 where the file names none), bit for bit. Smaller sizes
    average the source pixels they cover (swscale's area filter); larger ones are bicubic.
    One thread and fixed flags: the same frame gives the same bytes everywhere.

    Keep one converter per size and stream; it caches swscale's tables.
    """

    def __init__(self, size: FrameSize) -> None:
        self.size = size
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> np.ndarray:
        """Return uint8 [H, W, 3] or [H, W], contiguous and owned by the caller."""
        orientation = orientation_of(frame)
        width, height = self.size.width, self.size.height
        if orientation.swaps_sides:
            width, height = height, width
        shrinks = width < frame.width or height < frame.height
        scaled = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=self.size.pixel_format,
            interpolation=Interpolation.AREA if shrinks else Interpolation.BICUBIC,
            threads=1,
        )
        return np.ascontiguousarray(orientation.apply(scaled.to_ndarray()))
