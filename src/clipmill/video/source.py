"""Opening a video: local path or URL, checked before anything is decoded."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from clipmill.video.errors import (
    VideoChangedError,
    VideoError,
    VideoMissingError,
    name_of,
    translated,
)

MAX_PIXELS = 8192 * 8192
"""Pixels of one frame above which a file is refused before it is decoded."""


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A container that is open for reading its first video stream.

    Attributes:
        uri: Local path or fsspec URL.
        size_bytes: Size of the file.
        max_pixels: Limit that its decoder was given.
        container: Other streams than `stream` are not read from it.
        stream: The video stream, its decoder set up for exactness.
        file: The file object behind a URL; None for local files.
    """

    uri: str
    size_bytes: int
    max_pixels: int
    container: InputContainer
    stream: VideoStream
    file: Any = None

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick of the stream's times."""
        return Fraction(self.stream.time_base or Fraction(1, av.time_base))

    def close(self) -> None:
        """Release the file."""
        self.container.close()
        if self.file is not None:
            self.file.close()

    def __enter__(self) -> "OpenSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def local_path(uri: str) -> Path | None:
    """Return the path behind a local path or `file://` URL, None for other URLs."""
    if uri.startswith("file://"):
        return Path(unquote(urlsplit(uri).path))
    return None if "://" in uri else Path(uri)


def _open_file(uri: str, expected_size_bytes: int | None) -> tuple[Any, int, Any]:
    """Return what `av.open` takes, the size, and the file object to close later, if any."""
    path = local_path(uri)
    if path is not None:
        size = path.stat().st_size
        with path.open("rb"):
            pass  # Raises the system's own error, e.g. for permissions, before libav guesses.
        # `file:` keeps libav from taking a name with a colon for a protocol.
        target: Any = f"file:{path.absolute()}"
        file = None
    else:
        import fsspec

        try:
            file = fsspec.open(uri, "rb").open()
        except (ImportError, ValueError) as error:
            raise VideoMissingError(f"{name_of(uri)} cannot be opened: {error}") from error
        size = file.seek(0, 2)
        file.seek(0)
        target = file
    if expected_size_bytes is not None and size != expected_size_bytes:
        if file is not None:
            file.close()
        raise VideoChangedError(
            f"{name_of(uri)} has {size} bytes but had {expected_size_bytes} when it was listed; "
            "list the source again"
        )
    if size == 0:
        raise VideoError(f"{name_of(uri)} is empty (0 bytes); fetch it again")
    return target, size, file


def _pick_stream(container: InputContainer, uri: str) -> VideoStream:
    streams = video_streams(container)
    if not streams:
        raise VideoError(f"{name_of(uri)} has no video stream; it is sound or data only")
    stream = streams[0]
    if stream.codec_context is None:
        raise VideoError(f"{name_of(uri)}: FFmpeg has no decoder for its video codec")
    return stream


def video_streams(container: InputContainer) -> list[VideoStream]:
    """Return the video streams, without cover pictures of sound files."""
    return [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]


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
    max_pixels: int = MAX_PIXELS,
) -> OpenSource:
    """Open a video and set its decoder up for exact results.

    One decoder thread: frame threads drop the last frames of truncated files without a word,
    and CPU time, which is what a pool of workers pays, is the same.

    Raises:
        VideoError: With kind `missing`, `changed` or `decode`; the message names the file.
    """
    # libav's own size check is set as well: a stream may change its size on the way. A hostile
    # playlist must not make libav fetch other files over the network.
    options = {"max_pixels": str(max_pixels), "protocol_whitelist": "file"}
    with translated(uri):
        target, size, file = _open_file(uri, expected_size_bytes)
        try:
            container = av.open(target, options=options)
        except BaseException:
            if file is not None:
                file.close()
            raise
        try:
            stream = _pick_stream(container, uri)
            context = stream.codec_context
            check_size(uri, context.width, context.height, max_pixels)
            for other in container.streams:
                if other.index != stream.index:
                    other.discard = Discard.all
            context.thread_count = 1
            context.thread_type = "NONE"
            context.options = {"max_pixels": str(max_pixels)}
        except BaseException:
            container.close()
            if file is not None:
                file.close()
            raise
    return OpenSource(uri, size, max_pixels, container, stream, file)
