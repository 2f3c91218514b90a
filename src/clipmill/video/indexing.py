"""Building a frame index: from packets where they can be trusted, by decoding where not."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise

import numpy as np
from av.video.frame import VideoFrame

from clipmill.video.access.content import content_digest, sampled_blocks
from clipmill.video.access.files import open_file
from clipmill.video.access.machine import damage_passed_over, memory_is_short
from clipmill.video.access.packets import PacketTable, doubt, read_packets
from clipmill.video.access.source import MAX_PIXELS, OpenSource, check_size, open_source
from clipmill.video.decoder import decoded_frames
from clipmill.video.errors import VideoError, name_of, no_memory, translated
from clipmill.video.index import EntryPoints, FrameIndex
from clipmill.video.info import VideoInfo, describe


def _nothing() -> None:
    """Default of `on_frame`."""


@dataclass(frozen=True, slots=True)
class ProbedVideo:
    """A video, read once from end to end.

    Attributes:
        info: Facts of the file.
        index: All frames.
        content: 32 hex digits that name its content, see `content_digest`.
    """

    info: VideoInfo
    index: FrameIndex
    content: str


def index_video(
    uri: str,
    *,
    expected_size_bytes: int | None = None,
    max_pixels: int = MAX_PIXELS,
    on_frame: Callable[[], None] = _nothing,
) -> tuple[VideoInfo, FrameIndex]:
    """Find the facts and all frames of a video; see `probe_video`."""
    probed = probe_video(
        uri,
        expected_size_bytes=expected_size_bytes,
        max_pixels=max_pixels,
        on_frame=on_frame,
    )
    return probed.info, probed.index


def probe_video(
    uri: str,
    *,
    expected_size_bytes: int | None = None,
    expected_stamp: str = "",
    max_pixels: int = MAX_PIXELS,
    on_frame: Callable[[], None] = _nothing,
) -> ProbedVideo:
    """Find the facts, all frames and the identity of a video.

    Only packets are read and one frame is decoded, unless the packets cannot be trusted: then
    the whole file is decoded once, and what the decoder gives in presentation order is taken as
    truth (`FrameIndex.exact` is False and `note` says why).

    Args:
        uri: Local path or fsspec URL.
        expected_size_bytes: A file of another size is refused with kind `changed`.
        expected_stamp: So is a local file with another stamp, before it is read and after; empty
            when it is not known.
        max_pixels: Larger frames are refused before they are decoded.
        on_frame: Called once per decoded frame; may raise to stop.

    Raises:
        VideoError: With kind `missing`, `changed` or `decode`; the message names the file.
    """
    reopen = partial(
        open_source,
        uri,
        expected_size_bytes=expected_size_bytes,
        expected_stamp=expected_stamp,
        max_pixels=max_pixels,
    )
    with translated(uri):
        with reopen(packets_only=True) as source:
            table = read_packets(source)
            if not table.pts:
                raise VideoError(f"{name_of(uri)} has a video stream without any packets")
            reason = doubt(table, source)
            frame = None if reason else _first_frame(source, table)
            time_base, blocks = source.time_base, sampled_blocks(source.file)
            if frame is not None:
                check_size(uri, frame.width, frame.height, max_pixels)
                info = describe(source, frame)
                index = _from_packets(source, table, info)
        if frame is None:
            reason = reason or "the first key frame does not decode by itself"
            with reopen() as source:
                info, index = _by_decoding(source, table, reason, on_frame)
        if expected_stamp:
            # Written while it was read: what was found may be of two files.
            open_file(uri, expected_stamp=expected_stamp).close()
        content = content_digest(table, info, time_base=time_base, blocks=blocks)
        return ProbedVideo(info, index, content)


def packet_times(
    uri: str, *, expected_size_bytes: int | None = None, max_pixels: int = MAX_PIXELS
) -> tuple[np.ndarray, np.ndarray]:
    """Return what the packets of a video say of its frames, without decoding any.

    For a file whose packets can be trusted they are `pts` and `keyframes` of its `FrameIndex`.

    Args:
        uri: Local path or fsspec URL.
        expected_size_bytes: A file of another size is refused with kind `changed`.
        max_pixels: Larger frames are refused.

    Returns:
        int64 [T], presentation times in ticks, ascending; bool [T], key frames.

    Raises:
        VideoError: With kind `missing`, `changed` or `decode`; the message names the file.
    """
    with (
        translated(uri),
        open_source(
            uri,
            expected_size_bytes=expected_size_bytes,
            max_pixels=max_pixels,
            packets_only=True,
        ) as source,
    ):
        return _ordered(read_packets(source))


def _ordered(table: PacketTable) -> tuple[np.ndarray, np.ndarray]:
    """Return times and key frames of packets in presentation order."""
    times = np.array(table.pts, np.int64)
    order = np.argsort(times, kind="stable")
    return times[order], np.array(table.keys, bool)[order]


def _first_frame(source: OpenSource, table: PacketTable) -> VideoFrame | None:
    """Decode the first key packet alone."""
    context = source.stream.codec_context
    frames: list[VideoFrame] = []
    with damage_passed_over(source.uri):
        frames = [*context.decode(table.first_key), *context.decode(None)]
    if len(frames) == 1 and frames[0].pts == table.pts[0]:
        return frames[0]
    if memory_is_short():
        raise no_memory(source.uri)
    return None


def _from_packets(source: OpenSource, table: PacketTable, info: VideoInfo) -> FrameIndex:
    pts, keyframes = _ordered(table)
    return FrameIndex(
        pts=pts,
        keyframes=keyframes,
        time_base=source.time_base,
        width=info.width,
        height=info.height,
        altered=info.picture.altered,
        exact=True,
        stamps=pts,
        entries=_entries(table, pts),
    )


def _by_decoding(
    source: OpenSource, table: PacketTable, reason: str, on_frame: Callable[[], None]
) -> tuple[VideoInfo, FrameIndex]:
    """Decode the whole file once and index what comes out."""
    info: VideoInfo | None = None
    stamps: list[int] = []
    keys: list[bool] = []
    untimed = False
    for frame in decoded_frames(source, source.container.demux(source.stream)):
        on_frame()
        info = info or describe(source, frame)
        untimed |= frame.pts is None
        stamps.append(frame.pts or 0)
        keys.append(bool(frame.key_frame))
    if info is None:
        raise _undecodable(source, len(table.pts))
    by_order = untimed or len(set(stamps)) < len(stamps)
    pts = _even_times(len(stamps), source) if by_order else np.array(sorted(stamps), np.int64)
    marks = pts if by_order else np.array(stamps, np.int64)
    return info, FrameIndex(
        pts=pts,
        keyframes=np.array(keys, bool),
        time_base=source.time_base,
        width=info.width,
        height=info.height,
        altered=info.picture.altered,
        exact=False,
        note=reason,
        stamps=marks,
        by_order=by_order,
        entries=EntryPoints() if by_order else _entries(table, marks),
    )


def _undecodable(source: OpenSource, packets: int) -> VideoError:
    cause = "the file is damaged"
    if not source.stream.codec_context.width:
        # libav forgets the size of a stream that it refuses for its size.
        cause += (
            f", or its frames are above the limit of {source.max_pixels} pixels; "
            "raise max_pixels if the file is right"
        )
    return VideoError(
        f"{name_of(source.uri)}: none of its {packets} packets decodes to a frame; {cause}"
    )


def _entries(table: PacketTable, stamps: np.ndarray) -> EntryPoints:
    """Return the entry points: key packets with the first frame that each leads to."""
    ascending = all(earlier < later for earlier, later in pairwise(stamps.tolist()))
    number_of = {stamp: number for number, stamp in enumerate(stamps.tolist())}
    found: dict[int, tuple[int, int]] = {}  # frame -> pts of its key packet, time to seek to
    for pts, dts, key in zip(table.pts, table.dts, table.keys, strict=True):
        if not key or pts is None:
            continue
        number = number_of.get(pts)
        if number is None and ascending:
            # The key packet itself is not shown (edit list): decoding still starts there.
            number = int(np.searchsorted(stamps, pts))
        if number is not None and number < len(stamps):
            point = (pts, pts if dts is None else min(pts, dts))
            found[number] = max(found.get(number, point), point)
    rows = [(number, *point) for number, point in sorted(found.items())]
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    return EntryPoints(*np.ascontiguousarray(columns))


def _even_times(count: int, source: OpenSource) -> np.ndarray:
    """Return evenly spaced times at the rate of the header, for files without usable ones."""
    rate = source.stream.average_rate or source.stream.guessed_rate or Fraction(25)
    return np.array([round(n / rate / source.time_base) for n in range(count)], np.int64)
