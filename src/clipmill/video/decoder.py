"""Exact forward decoding from any frame: seek, check, fall back, decode on."""

from collections.abc import Callable, Iterator
from itertools import chain, islice

from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from clipmill.video.access.machine import damage_passed_over, memory_is_short
from clipmill.video.access.source import OpenSource
from clipmill.video.errors import IndexMismatchError, name_of, no_memory
from clipmill.video.index import FrameIndex
from clipmill.video.info import VideoInfo, describe
from clipmill.video.pixels.deinterlace import Deinterlacer
from clipmill.video.pixels.orientation import UPRIGHT, Orientation, orientation_of

_LEADING = 32
"""Frames that may decode before the one a seek promises; a reordering buffer holds 16."""
_SEEK_GAIN = 12
"""Frames a seek must save to be worth it; it empties the decoder's reordering buffer."""


class SeekError(Exception):
    """Decoding from this key frame does not give what the index promises."""


def decoded_frames(source: OpenSource, packets: Iterator[Packet]) -> Iterator[VideoFrame]:
    """Decode packets up to the end of the file, as ffmpeg does.

    Damaged packets are passed over, and where reading fails the file ends: what is missing shows
    in the stamps of the frames.

    Yields:
        Frames in presentation order.
    """
    context, uri = source.stream.codec_context, source.uri
    with damage_passed_over(uri):
        for packet in packets:
            # An empty packet would be taken for the end of the stream.
            if packet.size:
                yield from _decoded(context, packet, uri)
    yield from _decoded(context, None, uri)


def _decoded(context: VideoCodecContext, packet: Packet | None, uri: str) -> list[VideoFrame]:
    with damage_passed_over(uri):
        frames: list[VideoFrame] = context.decode(packet)
        if any(frame.is_corrupt for frame in frames) and memory_is_short():
            raise no_memory(uri)
        return frames
    return []


def packets_from(source: OpenSource, index: FrameIndex, entry: int) -> Iterator[Packet]:
    """Return the packets from an entry point on.

    Where a seek lands depends on the container: one key frame too early where its table goes by
    pts, in the middle of a GOP in program streams. Packets up to the wanted one are passed over
    without decoding them.

    Raises:
        SeekError: No seek leads there.
    """
    entries = index.entries
    wanted = int(entries.pts[entry])
    targets = (entries.seek[entry], entries.pts[entry], entries.seek[max(entry - 1, 0)])
    for target in dict.fromkeys(map(int, targets)):
        with damage_passed_over(source.uri):
            source.container.seek(target, stream=source.stream)
            packets = source.container.demux(source.stream)
            for packet in packets:
                if packet.is_keyframe and packet.pts == wanted:
                    return chain([packet], packets)
                if packet.is_keyframe and packet.pts is not None and packet.pts > wanted:
                    break  # Landed behind it.
    raise SeekError


class Decoder:
    """One open file with a decoding position. Not to be shared between users at a time.

    Args:
        reopen: Opens the file again; a decoder at the start of a file needs a fresh one.
        index: The frames.
        on_frame: Called once per decoded frame.
    """

    def __init__(
        self,
        reopen: Callable[[], OpenSource],
        index: FrameIndex,
        on_frame: Callable[[], None],
    ) -> None:
        self._reopen = reopen
        self._source = reopen()
        self._fresh = True
        self._index = index
        self._on_frame = on_frame
        self._stamps: list[int] = index.stamps.tolist()
        self._numbers = {stamp: number for number, stamp in enumerate(self._stamps)}
        self._walk: Iterator[tuple[int, VideoFrame]] | None = None
        self._position = 0
        self._orientation: Orientation | None = None
        self._last: tuple[int, VideoFrame] | None = None
        self._deinterlacer: Deinterlacer | None = None

    def close(self) -> None:
        """Release the file."""
        self._walk = self._last = self._deinterlacer = None
        self._source.close()

    def at(self, number: int) -> VideoFrame:
        """Return frame `number` of the video, deinterlaced where it holds fields.

        Decodes on from here where that is shorter than a seek.

        Raises:
            IndexMismatchError: The file has no such frame, although the index says so.
            VideoError: The file cannot be read.
        """
        if self._deinterlacer is None:
            frame = self._decoded_at(number)
            if not frame.interlaced_frame:
                return frame
            self._deinterlacer = Deinterlacer(self._decoded_at, self._index.num_frames)
        return self._deinterlacer.picture(number)

    def _decoded_at(self, number: int) -> VideoFrame:
        """Return a frame as the decoder gives it."""
        if self._last is not None and self._last[0] == number:
            return self._last[1]
        if self._walk is not None and self._reaches(number):
            try:
                return self._advance(self._walk, number)
            except IndexMismatchError:
                pass  # A frame on the way is missing; this one may be reached otherwise.
        self._walk = self._frames_from(number)
        return self._advance(self._walk, number)

    @property
    def orientation(self) -> Orientation:
        """How frames of this file are turned for display; known after the first call of `at`."""
        return self._orientation or UPRIGHT

    def info(self) -> VideoInfo:
        """Return the facts of the file; decodes its first frame."""
        frame = self._decoded_at(0)
        return describe(self._source, frame)

    def check_end(self) -> None:
        """After the last frame: decode what is left and check that it is nothing.

        Raises:
            IndexMismatchError: The file has more frames than the index says.
        """
        for _ in self._walk or ():
            pass

    def _reaches(self, number: int) -> bool:
        """Whether decoding on leads to a frame about as fast as seeking to it."""
        if number < self._position:
            return False
        entry = self._index.entry_before(number)
        return entry is None or self._index.entries.frames[entry] - self._position <= _SEEK_GAIN

    def _advance(self, walk: Iterator[tuple[int, VideoFrame]], number: int) -> VideoFrame:
        for here, frame in walk:
            self._position = here + 1
            if here == number:
                self._last = here, frame
                self._orientation = self._orientation or orientation_of(frame)
                return frame
        raise AssertionError(f"frame {number} passed the end unnoticed")

    def _ways_to(self, number: int) -> Iterator[int | None]:
        """Entry points to try: the nearest, the one before, then None for the file's start."""
        entry = self._index.entry_before(number)
        if entry is not None and not (self._fresh and self._index.entries.frames[entry] == 0):
            yield entry
            if entry > 0:
                yield entry - 1
        yield None

    def _frames_from(self, first: int) -> Iterator[tuple[int, VideoFrame]]:
        """Yield (number, frame) for every frame from `first` on, without a gap."""
        wanted = first
        total = self._index.num_frames
        for entry in self._ways_to(first):
            try:
                run = self._run_from_start() if entry is None else self._run_from_entry(entry)
                for number, frame in run:
                    if number < wanted:
                        continue
                    if number != wanted:
                        break
                    yield number, frame
                    wanted += 1
            except SeekError:
                continue
            if wanted == total:
                return
        raise IndexMismatchError(
            f"{name_of(self._source.uri)} should have {total} frames according to its index, but "
            f"only {wanted} decode: frame {wanted} is missing. The file is damaged or cut off, or "
            "its packets were misleading; probe it again",
            expected=total,
            decoded=wanted,
        )

    def _run_from_start(self) -> Iterator[tuple[int, VideoFrame]]:
        """Yield (number, frame) from the beginning of the file; numbers may skip damage."""
        if not self._fresh:
            self._source.close()
            self._source = self._reopen()
        self._fresh = False
        total = self._index.num_frames
        packets = self._source.container.demux(self._source.stream)
        for count, frame in enumerate(decoded_frames(self._source, packets)):
            self._on_frame()
            number = count if self._index.by_order else self._numbers.get(frame.pts, total)
            if number >= total:
                raise IndexMismatchError(
                    f"{name_of(self._source.uri)} has a frame at time {frame.pts} that its "
                    f"index of {total} frames does not know; probe it again",
                    expected=total,
                    decoded=count + 1,
                )
            yield number, frame

    def _run_from_entry(self, entry: int) -> Iterator[tuple[int, VideoFrame]]:
        """Yield (number, frame) from a key packet on; every frame is checked by its stamp."""
        self._fresh = False
        number = int(self._index.entries.frames[entry])
        frames = decoded_frames(self._source, packets_from(self._source, self._index, entry))
        for frame in self._promised(entry, frames):
            if number >= len(self._stamps) or frame.pts != self._stamps[number]:
                raise SeekError
            yield number, frame
            number += 1
        if number < len(self._stamps):
            raise SeekError

    def _promised(self, entry: int, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        """Drop what decodes before the first frame that an entry point promises.

        That are leading pictures of an open GOP, which refer to frames before the key frame.
        """
        first = self._stamps[self._index.entries.frames[entry]]
        for frame in islice(frames, _LEADING):
            self._on_frame()
            if frame.pts == first:
                # The key packet's own frame must be one to the decoder too: some files mark
                # every packet as key, and some key packets only begin a gradual refresh.
                if first == self._index.entries.pts[entry] and not frame.key_frame:
                    raise SeekError
                yield frame
                break
        else:
            raise SeekError
        for frame in frames:
            self._on_frame()
            yield frame
