"""Writes frames to an H.264 file at a constant rate, with the same bytes every time."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
)

from clipmill.video.writing.x264 import REPEATABLE

_ACCURATE = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT


def _tag_bt709(context: Any) -> None:
    """Say in the file which colours its numbers stand for: BT.709, limited range."""
    context.colorspace = Colorspace.ITU709
    context.color_range = ColorRange.MPEG
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709


class VideoWriter:
    """Encodes frames one by one; frame k is shown at k / fps seconds. A context manager.

    One thread encodes: exports run a process per core, and threads cost more memory than they
    save time.

    Args:
        path: File to write; the suffix chooses the container where `container` does not.
        size: (width, height) in pixels, both even.
        fps: Frames per second.
        crf: Constant rate factor, lower is better; 0 is lossless.
        gop: Most frames between key frames; short ones make random access cheap.
        lossless: Keep colours exactly (RGB H.264); for masks and flat drawings that must
            stay exact. Few players show it.
        options: More encoder options.
        container: Format of the file, e.g. `mp4`, for paths without a suffix.

    Raises:
        ValueError: A side is odd.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: tuple[int, int],
        fps: Fraction,
        crf: int = 18,
        gop: int = 48,
        lossless: bool = False,
        options: Mapping[str, str] | None = None,
        container: str | None = None,
    ) -> None:
        if size[0] % 2 or size[1] % 2:
            raise ValueError(f"an H.264 file needs even sides, not {size[0]}x{size[1]}")
        self.path, self.num_frames = path, 0
        self._size, self._step = size, 1 / Fraction(fps)
        settings = {
            "crf": "0" if lossless else str(crf),
            "preset": "veryfast",
            "g": str(gop),
            **REPEATABLE,
        }
        self._container: Any = av.open(
            str(path), "w", format=container, options={"movflags": "+faststart"}
        )
        codec = "libx264rgb" if lossless else "libx264"
        stream: Any = self._container.add_stream(
            codec, rate=Fraction(fps), options=settings | dict(options or {})
        )
        stream.width, stream.height = size
        stream.pix_fmt = "rgb24" if lossless else "yuv420p"
        self._lossless = lossless
        if not lossless:
            _tag_bt709(stream.codec_context)
        stream.codec_context.thread_count = 1
        self._stream = stream

    def add(self, image: npt.NDArray[np.uint8]) -> None:
        """Append a frame.

        Args:
            image: uint8 [H, W, 3] RGB.

        Raises:
            ValueError: Another shape.
        """
        width, height = self._size
        if image.shape != (height, width, 3):
            raise ValueError(f"{self.path}: a frame of shape {image.shape} in {width}x{height}")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        if not self._lossless:
            # Converted and tagged alike: players take untagged files of this size for either.
            picture = picture.reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, interpolation=_ACCURATE
            )
        picture.pts, picture.time_base = self.num_frames, self._step
        self._container.mux(self._stream.encode(picture))
        self.num_frames += 1

    def close(self) -> None:
        """Write what is left and close the file."""
        if self._container is not None:
            container, self._container = self._container, None
            try:
                container.mux(self._stream.encode())
            finally:
                container.close()

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        elif self._container is not None:
            self._container.close()
