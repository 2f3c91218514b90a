"""Exact forward decoding from any frame: seek, check, fall back, decode on."""

from collections.abc import Callable, Iterator

import av.error
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame

from clipmill.video.errors import IndexMismatchError, name_of, translated
from clipmill.video.index import FrameIndex
from clipmill.video.info import VideoInfo, describe
from clipmill.video.source import OpenSource

_SEEK_GAIN = 12
"""Frames a seek must save to be worth it; it empties the decoder's reordering buffer."""


class _SeekError(Exception):
    """Decoding from this key frame does not give what the index promises."""


def decoded_frames(source: OpenSource, packets: Iterator[Packet]) -> Iterator[VideoFrame]:
    """Decode packets up to the end of the file; damaged ones are passed over, as ffmpeg does.

    Yields:
        Frames in presentation order. The generator's return value is the number of packets that
        raised.
    """
    context = source.stream.codec_context
    errors = 0
    try:
        for packet in packets:
            # An empty packet would be taken for the end of the stream.
            if packet.size == 0:
                continue
            try:
                frames = context.decode(packet)
            except av.error.FFmpegError:
                errors += 1
                continue
            yield from frames
    except av.error.FFmpegError:
        errors += 1  # The file cannot be read on; what the decoder still holds is good.
    try:
        yield from context.decode(None)
    except av.error.FFmpegError:
        errors += 1
    return errors


class Decoder:
    """One open file with a decoding position. Not to be shared between users at a time.

    Args:
        reopen: Opens the file anew; a decoder at the start of a file needs a fresh one.
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
        self._walk: Iterator[tuple[int, VideoFrame]] | None = None
        self._position = 0
        self._last: tuple[int, VideoFrame] | None = None

    def close(self) -> None:
        """Release the file."""
        self._walk = self._last = None
        self._source.close()

    def at(self, number: int) -> VideoFrame:
        """Return frame `number` of the video, decoding on from here where that is shorter.

        Raises:
            IndexMismatchError: The file has no such frame, although the index says so.
            VideoError: The file cannot be read.
        """
        if self._last is not None and self._last[0] == number:
            return self._last[1]
        if self._walk is not None and self._reaches(number):
            try:
                return self._advance(self._walk, number)
            except IndexMismatchError:
                pass  # A frame on the way is missing; this one may be reached otherwise.
        self._walk = self._frames_from(number)
        return self._advance(self._walk, number)

    def info(self) -> VideoInfo:
        """Return the facts of the file; decodes its first frame."""
        frame = self.at(0)
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
        entry = self._entry_before(number)
        return entry is None or self._index.entry_frames[entry] - self._position <= _SEEK_GAIN

    def _advance(self, walk: Iterator[tuple[int, VideoFrame]], number: int) -> VideoFrame:
        for here, frame in walk:
            self._position = here + 1
            if here == number:
                self._last = here, frame
                return frame
        raise AssertionError(f"frame {number} passed the end unnoticed")

    def _entry_before(self, number: int) -> int | None:
        """Return the last entry point at or before a frame."""
        if self._index.by_order:
            return None
        entry = int(np.searchsorted(self._index.entry_frames, number, side="right")) - 1
        return entry if entry >= 0 else None

    def _ways_to(self, number: int) -> Iterator[int | None]:
        """Entry points to try: the nearest, the one before, then None for the file's start."""
        entry = self._entry_before(number)
        if entry is not None and not (self._fresh and self._index.entry_frames[entry] == 0):
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
            except _SeekError:
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
        container, stream = self._source.container, self._source.stream
        with translated(self._source.uri):
            packets = container.demux(stream)
            for count, frame in enumerate(decoded_frames(self._source, packets)):
                self._on_frame()
                number = count if self._index.by_order else self._find(frame.pts)
                if number is None or number >= total:
                    raise IndexMismatchError(
                        f"{name_of(self._source.uri)} has a frame at time {frame.pts} that its "
                        f"index of {total} frames does not know; probe it again",
                        expected=total,
                        decoded=count + 1,
                    )
                yield number, frame

    def _run_from_entry(self, entry: int) -> Iterator[tuple[int, VideoFrame]]:
        """Yield (number, frame) from a key packet on; every frame is checked by its time."""
        self._fresh = False
        landed, packets = self._land(entry)
        index = self._index
        number = int(index.entry_frames[landed])
        with translated(self._source.uri):
            for frame in decoded_frames(self._source, packets):
                self._on_frame()
                if frame.pts is not None and frame.pts < index.entry_pts[landed]:
                    continue  # A leading picture of an open GOP: shown before the key frame.
                if frame.pts is not None and frame.pts < index.pts[0]:
                    continue
                if number >= index.num_frames or frame.pts != index.pts[number]:
                    raise _SeekError
                yield number, frame
                number += 1
        if number < index.num_frames:
            raise _SeekError

    def _land(self, entry: int) -> tuple[int, Iterator[Packet]]:
        """Seek to an entry point; return where the file really landed, and the packets there."""
        index, stream = self._index, self._source.stream
        targets = dict.fromkeys((int(index.entry_seek[entry]), int(index.entry_pts[entry])))
        for target in targets:
            try:
                self._source.container.seek(target, stream=stream)
                packets = self._source.container.demux(stream)
                head = next((packet for packet in packets if packet.size), None)
            except av.error.FFmpegError:
                continue
            if head is None or head.pts is None or not head.is_keyframe:
                continue
            landed = int(np.searchsorted(index.entry_pts, head.pts))
            if landed <= entry and index.entry_pts[landed] == head.pts:
                return landed, _chain(head, packets)
        raise _SeekError

    def _find(self, pts: int | None) -> int | None:
        """Return the number of the frame shown at a time."""
        if pts is None:
            return None
        number = int(np.searchsorted(self._index.pts, pts))
        if number < self._index.num_frames and self._index.pts[number] == pts:
            return number
        return None


def _chain(head: Packet, packets: Iterator[Packet]) -> Iterator[Packet]:
    yield head
    yield from packets
