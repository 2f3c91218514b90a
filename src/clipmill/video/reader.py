"""Frames by number: exact random access, and one pass in several sizes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clipmill.video.access.files import open_file
from clipmill.video.access.source import MAX_PIXELS, OpenSource, open_source
from clipmill.video.decoder import Decoder
from clipmill.video.errors import translated
from clipmill.video.index import FrameIndex
from clipmill.video.indexing import probe_video
from clipmill.video.info import VideoInfo
from clipmill.video.pixels.convert import Converter
from clipmill.video.sizes import FrameSize


@dataclass(frozen=True, slots=True)
class StreamedFrame:
    """One frame of a pass.

    Attributes:
        index: Number of the frame, counted from 0 at the start of the video.
        images: One uint8 array per asked-for size, [H, W, 3] or [H, W] for gray.
        damaged: Whether the decoder says that it had to make up parts of the picture.
    """

    index: int
    images: dict[str, np.ndarray]
    damaged: bool = False


def _nothing() -> None:
    """Default of `on_frame`."""


class VideoReader:
    """Exact frames of one video file. Use it as a context manager.

    Frame numbers count from 0 at the start of the video, in presentation order. Every frame
    equals the one a full decode gives at that place, whatever the order of access: upright, in
    square pixels, whole where the file holds fields, in the colours of BT.709 where they are HDR or
    wider.

    Args:
        uri: Local path or fsspec URL.
        index: The index made earlier by `index_video`; made now when None.
        expected_size_bytes: A file of another size is refused with kind `changed`.
        expected_stamp: So is a local file with another stamp; empty when it is not known.
        on_frame: Called once per decoded frame; may raise to stop.
        max_pixels: Larger frames are refused before they are decoded.

    Raises:
        VideoError: With kind `missing`, `changed` or `decode`; the message names the file.
    """

    def __init__(
        self,
        uri: str,
        *,
        index: FrameIndex | None = None,
        expected_size_bytes: int | None = None,
        expected_stamp: str = "",
        on_frame: Callable[[], None] | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self.uri = uri
        self._expected_size_bytes = expected_size_bytes
        self._expected_stamp = expected_stamp
        self._max_pixels = max_pixels
        self._on_frame = on_frame or _nothing
        self._idle: list[Decoder] = []
        self._closed = False
        if index is None:
            # The attribute takes the place of the cached property.
            self.__dict__["info"], index = self._make_index()
        self.index = index
        if "info" not in self.__dict__:
            self._idle.append(self._new_decoder())

    def _open(self) -> OpenSource:
        return open_source(
            self.uri,
            expected_size_bytes=self._expected_size_bytes,
            expected_stamp=self._expected_stamp,
            max_pixels=self._max_pixels,
        )

    def _make_index(self) -> tuple[VideoInfo, FrameIndex]:
        probed = probe_video(
            self.uri,
            expected_size_bytes=self._expected_size_bytes,
            expected_stamp=self._expected_stamp,
            max_pixels=self._max_pixels,
            on_frame=self._on_frame,
        )
        return probed.info, probed.index

    def _new_decoder(self) -> Decoder:
        return Decoder(self._open, self.index, self._on_frame)

    @cached_property
    def info(self) -> VideoInfo:
        """Facts of the file; decodes one frame when the reader was given an index."""
        with self._decoder() as decoder:
            return decoder.info()

    @property
    def width(self) -> int:
        """Square pixels as displayed, after rotation."""
        return self.index.width

    @property
    def height(self) -> int:
        """Square pixels as displayed, after rotation."""
        return self.index.height

    def frames(self, indices: Sequence[int], *, size: FrameSize | None = None) -> np.ndarray:
        """Return the frames with the given numbers, in the order given.

        Args:
            indices: Frame numbers from the start of the video, in any order, repeats allowed.
            size: Size and layout; native rgb24 when None.

        Returns:
            uint8 [N, H, W, 3], or [N, H, W] for gray.

        Raises:
            IndexError: A number is not in [0, num_frames).
            VideoError: The file cannot be read, or has no such frame although its index does.
        """
        size = size or FrameSize(self.width, self.height)
        places: dict[int, list[int]] = {}
        for place, number in enumerate(indices):
            self._check_number(number)
            places.setdefault(int(number), []).append(place)
        images = np.empty((len(indices), *size.shape), np.uint8)
        converter = Converter(size)
        with self._decoder() as decoder:
            for number in sorted(places):
                frame = decoder.at(number)
                images[places[number]] = converter(frame, decoder.orientation)
        return images

    def stream(
        self,
        start: int,
        end: int,
        *,
        sizes: Mapping[str, FrameSize] | None = None,
        step: int = 1,
    ) -> Iterator[StreamedFrame]:
        """Yield frames start, start + step, ... below end, decoding each once.

        Only a few frames are held at a time. A pass over the whole video with step 1 also
        checks the index: it raises when the file has more or fewer frames than that says.

        Args:
            start: First frame, from the start of the video.
            end: One past the last frame.
            sizes: Named sizes, all made from the same decoded frame; `{"source": native rgb24}`
                when None.
            step: Distance between delivered frames.

        Raises:
            ValueError: Not 0 <= start <= end <= num_frames, or step < 1.
            IndexMismatchError: The frames end early; all good ones were given before.
            VideoError: The file cannot be read.
        """
        if not 0 <= start <= end <= self.index.num_frames or step < 1:
            raise ValueError(
                f"cannot stream frames [{start}, {end}) with step {step} of a video with "
                f"{self.index.num_frames} frames"
            )
        return self._stream(range(start, end, step), sizes)

    def _stream(
        self, numbers: range, sizes: Mapping[str, FrameSize] | None
    ) -> Iterator[StreamedFrame]:
        if sizes is None:
            sizes = {"source": FrameSize(self.width, self.height)}
        converters = {name: Converter(size) for name, size in sizes.items()}
        with self._decoder() as decoder:
            for number in numbers:
                frame = decoder.at(number)
                turn = decoder.orientation
                yield StreamedFrame(
                    number,
                    {name: make(frame, turn) for name, make in converters.items()},
                    damaged=frame.is_corrupt,
                )
            if numbers and len(numbers) == self.index.num_frames:
                decoder.check_end()

    def _check_number(self, number: int) -> None:
        if not 0 <= number < self.index.num_frames:
            raise IndexError(f"no frame {number} in a video with {self.index.num_frames} frames")

    @contextmanager
    def _decoder(self) -> Iterator[Decoder]:
        """Lend a decoder; a pass that is still running keeps its own."""
        if self._closed:
            raise ValueError("the reader is closed")
        decoder = self._idle.pop() if self._idle else self._new_decoder()
        try:
            with translated(self.uri):
                yield decoder
        except BaseException:
            decoder.close()
            raise
        if self._closed:
            decoder.close()
        else:
            self._idle.append(decoder)

    def close(self) -> None:
        """Release the file."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close()
        if kind is None and self._expected_stamp:
            # Written while it was read: the frames may be those of two files.
            with translated(self.uri):
                open_file(self.uri, expected_stamp=self._expected_stamp).close()
