"""Part of a video as a file of its own, its packets copied: nothing is decoded or encoded."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet

from clipmill.video.access.machine import damage_passed_over
from clipmill.video.access.source import OpenSource, open_source
from clipmill.video.decoder import SeekError, packets_from
from clipmill.video.errors import translated
from clipmill.video.index import FrameIndex

CONTAINERS = {"h264": "mp4", "vp9": "mp4", "av1": "mp4", "vp8": "webm"}
"""Codecs that every browser plays, and the container for each."""


def lead_of(index: FrameIndex, start: int) -> int | None:
    """Return how many frames a copy has before frame `start`: decoding begins at a key frame.

    None where no copy can be made: the file does not say where its frames are.
    """
    entry = index.entry_before(start)
    if entry is None or not (index.stamps == index.pts).all():
        return None
    return start - int(index.entries.frames[entry])


def copy_frames(
    uri: str,
    path: Path,
    *,
    container: str,
    index: FrameIndex,
    start: int,
    end: int,
    rate: Fraction,
    expected_size_bytes: int | None = None,
    expected_stamp: str = "",
) -> bool:
    """Write the packets of frames [start, end) to a file; frame k of them is at k / rate seconds.

    The file begins with the frames of `lead_of`, and may end with a few beyond `end` that others
    refer to. Whether its codec is one of `CONTAINERS` is for the caller to see to.

    Args:
        uri: The video.
        path: File to write.
        container: Format of the file, as in `CONTAINERS`.
        index: Frames of the video.
        start: First frame.
        end: One past the last frame.
        rate: Frames per second, whatever the times in the video are.
        expected_size_bytes: See `VideoReader`.
        expected_stamp: See `VideoReader`.

    Returns:
        False, with nothing of use at `path`, where the packets are not those that the index
        promises.

    Raises:
        VideoError: With kind `missing`, `changed` or `decode`; the message names the file.
    """
    lead = lead_of(index, start)
    if lead is None:
        return False
    source = open_source(
        uri,
        expected_size_bytes=expected_size_bytes,
        expected_stamp=expected_stamp,
        packets_only=True,
    )
    with source, translated(uri):
        try:
            packets = list(_needed(source, index, start - lead, end))
        except SeekError:
            return False
        if not _begins(source, packets[0][1]):
            return False
        _write(path, container, source, packets, 1 / rate)
    return True


def _needed(
    source: OpenSource, index: FrameIndex, first: int, end: int
) -> Iterator[tuple[int, Packet]]:
    """Yield (frame counted from `first`, packet) in the order of the file."""
    numbers = {stamp: number for number, stamp in enumerate(index.pts[first:].tolist())}
    entry = index.entry_before(first)
    assert entry is not None
    missing = set(range(end - first))
    for packet in packets_from(source, index, entry):
        if not missing:
            return
        if packet.pts is not None and packet.pts < index.pts[first]:
            continue  # a leading picture: it refers to frames before the key frame
        # Each once: of two packets with one time, as alt-ref frames have them, one shows nothing.
        number = numbers.pop(packet.pts, None)
        if number is None or packet.is_corrupt:
            break
        missing.discard(number)
        yield number, packet
    if missing:
        raise SeekError


def _begins(source: OpenSource, packet: Packet) -> bool:
    """Tell whether a key packet gives a frame by itself: some only begin a gradual refresh."""
    context = source.stream.codec_context
    with damage_passed_over(source.uri):
        frames = [*context.decode(packet), *context.decode(None)]
        return len(frames) == 1 and frames[0].key_frame
    return False


def _write(
    path: Path,
    container: str,
    source: OpenSource,
    packets: list[tuple[int, Packet]],
    step: Fraction,
) -> None:
    """Write packets under new times: decoding in their order, a frame each `step` seconds."""
    delay = max(place - number for place, (number, _) in enumerate(packets))
    options = {"movflags": "+faststart"} if container == "mp4" else {}
    with av.open(str(path), "w", format=container, options=options) as file:
        stream = file.add_stream_from_template(source.stream, opaque=True)
        stream.time_base = step
        for place, (number, packet) in enumerate(packets):
            packet.stream, packet.time_base = stream, step
            packet.pts, packet.dts, packet.duration = number, place - delay, 1
            file.mux(packet)
