"""From decoded frames to arrays: orientation, colours, size."""

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from clipmill.video.pixels.orientation import Orientation
from clipmill.video.pixels.tone import ToneMap, gray_of, tone_map_for
from clipmill.video.sizes import FrameSize

_NATIVE = Interpolation.BICUBIC | Interpolation.BITEXACT
_SMALLER = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
_LARGER = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT

_DEEP = "rgb48le"
"""What HDR is converted from; 8 bits would show bands."""


class Converter:
    """Turns decoded frames into arrays of one size and layout.

    The colour matrix and range are those of the frame, BT.601 and limited range where the file
    names none, as with ffmpeg. At native size the conversion is ffmpeg's default, and the bytes
    equal those of `ffmpeg -vsync 0 -f rawvideo -pix_fmt rgb24` for 8-bit formats. For deeper
    ones the decoded planes are equal, but FFmpeg releases differ in where they place chroma
    when they make RGB of them. Smaller sizes average the source pixels that they cover
    (swscale's area filter), larger ones are bicubic.

    HDR (PQ, HLG) and colours wider than BT.709 are brought to BT.709 (`ToneMap`), at the size that
    is asked for.

    One thread, and flags that forbid shortcuts of single processors: the same frame gives the
    same bytes everywhere. Keep one converter per size and stream; it caches swscale's tables.
    """

    def __init__(self, size: FrameSize) -> None:
        self.size = size
        self._reformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame, orientation: Orientation) -> np.ndarray:
        """Return uint8 [H, W, 3] or [H, W], contiguous and owned by the caller."""
        width, height = self.size.width, self.size.height
        if orientation.swaps_sides:
            width, height = height, width
        if (width, height) == (frame.width, frame.height):
            flags = _NATIVE
        else:
            flags = _SMALLER if width < frame.width or height < frame.height else _LARGER
        mapped = tone_map_for(int(frame.color_trc), int(frame.color_primaries))
        scaled = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=_DEEP if mapped else self.size.pixel_format,
            interpolation=flags,
            threads=1,
        )
        image = scaled.to_ndarray()
        if mapped:
            image = self._brought_over(image, mapped)
        return np.ascontiguousarray(orientation.apply(image))

    def _brought_over(self, image: np.ndarray, mapped: ToneMap) -> np.ndarray:
        colours = mapped(image)
        return gray_of(colours) if self.size.pixel_format == "gray" else colours
