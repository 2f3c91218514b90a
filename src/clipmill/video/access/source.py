"""Opening a video: local path or URL, checked before anything is decoded."""

from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from clipmill.video.access.files import InputFile, open_file
from clipmill.video.errors import (
    VideoError,
    name_of,
    translated,
)

MAX_PIXELS = 8192 * 8192
"""Pixels of one frame above which a file is refused before it is decoded."""
_STILLS = frozenset({"mjpeg", "png", "bmp", "tiff", "webp", "gif"})
"""Codecs of pictures; beside a stream of another codec they are a cover."""
_PICTURES = Disposition.attached_pic | Disposition.timed_thumbnails


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A container that is open for reading its main video stream.

    Attributes:
        uri: Local path or fsspec URL.
        file: The file behind it.
        max_pixels: Limit that its decoder was given.
        container: Other streams than `stream` are not read from it.
        stream: The video stream, its decoder set up for exactness.
    """

    uri: str
    file: InputFile
    max_pixels: int
    container: InputContainer
    stream: VideoStream

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick of the stream's times."""
        return Fraction(self.stream.time_base or Fraction(1, av.time_base))

    def close(self) -> None:
        """Release the file."""
        self.container.close()
        self.file.close()

    def __enter__(self) -> "OpenSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _pick_stream(container: InputContainer, uri: str) -> VideoStream:
    streams = video_streams(container)
    if not streams:
        raise VideoError(f"{name_of(uri)} has no video stream; it is sound or data only")
    stream = max(streams, key=_rank)
    if stream.codec_context is None:
        raise VideoError(f"{name_of(uri)}: FFmpeg has no decoder for its video codec")
    return stream


def video_streams(container: InputContainer) -> list[VideoStream]:
    """Return the video streams, without cover pictures and pictures for a timeline."""
    return [stream for stream in container.streams.video if not int(stream.disposition) & _PICTURES]


def _rank(stream: VideoStream) -> tuple[bool, bool, bool, int]:
    """Sort the stream to read to the end; of equal ones the first counts.

    A moving picture goes before a still one, then what the file marks as default, then size.
    """
    context, flags = stream.codec_context, int(stream.disposition)
    if context is None:
        return False, False, False, 0
    # Only some containers count frames.
    counted_as_one = stream.frames == 1 or (not stream.frames and context.name in _STILLS)
    still = counted_as_one or bool(flags & Disposition.still_image)
    area = context.width * context.height
    return True, not still, bool(flags & Disposition.default), area


def check_size(uri: str, width: int, height: int, max_pixels: int) -> None:
    """Refuse frames that would need absurd amounts of memory.

    Raises:
        VideoError: More than `max_pixels` pixels.
    """
    if width * height > max_pixels:
        raise VideoError(
            f"{name_of(uri)} claims frames of {width}x{height}, above the limit of {max_pixels} "
            "pixels; it was not decoded. Raise max_pixels if the file is right"
        )


def open_source(
    uri: str,
    *,
    expected_size_bytes: int | None = None,
    expected_stamp: str = "",
    max_pixels: int = MAX_PIXELS,
    packets_only: bool = False,
) -> OpenSource:
    """Open a video and set its decoder up for exact results.

    One decoder thread: frame threads drop the last frames of truncated files without a word,
    and CPU time, which is what a pool of workers pays, is the same. libav's log stays as PyAV
    leaves it, silent; changing its level while decoders run can dead-lock.

    Args:
        uri: Local path or fsspec URL.
        expected_size_bytes: A file of another size is refused.
        expected_stamp: A local file with another stamp is refused, see `open_file`.
        max_pixels: Larger frames are refused before they are decoded.
        packets_only: Packets will be read, and at most a key frame decoded. libav then need
            not decode a frame to guess the reordering depth of MP4 and MOV, half the cost.

    Raises:
        VideoError: With kind `missing`, `changed` or `decode`; the message names the file.
    """
    # The limit is libav's as well: a stream may change its size on the way. A hostile playlist
    # must not make libav fetch other files over the network.
    options = {"max_pixels": str(max_pixels), "protocol_whitelist": "file"}
    with translated(uri), ExitStack() as stack:
        file = open_file(
            uri, expected_size_bytes=expected_size_bytes, expected_stamp=expected_stamp
        )
        stack.callback(file.close)
        if packets_only and file.is_iso:
            options["skip_frame"] = "all"
        container = av.open(file.target, options=options)
        stack.callback(container.close)
        stream = _pick_stream(container, uri)
        context = stream.codec_context
        check_size(uri, context.width, context.height, max_pixels)
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all
        context.thread_count = 1
        context.thread_type = "NONE"
        context.options = {"max_pixels": str(max_pixels)}
        stack.pop_all()
    return OpenSource(uri, file, max_pixels, container, stream)
