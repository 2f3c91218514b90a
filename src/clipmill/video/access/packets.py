"""What the packets of a file say about its frames, and whether that can be believed."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import av
from av.packet import Packet

from clipmill.video.access.machine import damage_passed_over
from clipmill.video.access.source import OpenSource

_TS_PACKETS = (188, 192, 204)
"""Bytes of a transport stream packet: plain, with a time stamp (m2ts), with error correction."""
_DURATION = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")


@dataclass(slots=True)
class PacketTable:
    """The video packets of a file in file order; ticks of the stream's time base.

    Attributes:
        pts: Presentation times; None where the container gives none.
        dts: Decoding times; None where unknown.
        keys: Key packets.
        dropped: Packets that an edit list tells the decoder to drop.
        hidden: Packets of VP8 or VP9 that show nothing (alt-ref frames).
        corrupt: Whether any packet is marked as damaged, or reading ended in an error.
        first_key: The first key packet itself, to decode a first frame from.
        sizes: Bytes of each packet.
        payload: Digest of the bytes of all packets, which demuxing has in memory anyway.
    """

    pts: list[int | None] = field(default_factory=list)
    dts: list[int | None] = field(default_factory=list)
    keys: list[bool] = field(default_factory=list)
    dropped: list[bool] = field(default_factory=list)
    hidden: int = 0
    corrupt: bool = False
    first_key: Packet | None = None
    sizes: list[int] = field(default_factory=list)
    payload: bytes = b""


def _is_hidden(codec: str, packet: Packet) -> bool:
    """Whether a VP8 or VP9 packet decodes to no shown frame, from its first header bits."""
    data = memoryview(packet)
    first = data[0]
    if codec == "vp8":
        return not first >> 4 & 1
    if codec != "vp9":
        return False
    if data[-1] & 0xE0 == 0xC0:
        return False  # A superframe carries its hidden frames together with a shown one.
    # frame_marker(2) profile(2) [reserved(1) in profile 3] show_existing_frame frame_type
    # show_frame
    shift = 0 if first >> 4 & 3 == 3 else 1
    shows_existing = first >> (2 + shift) & 1
    return not shows_existing and not first >> shift & 1


def read_packets(source: OpenSource) -> PacketTable:
    """Demux the video stream of a freshly opened file; nothing is decoded."""
    table = PacketTable()
    codec = source.stream.codec_context.name
    codec = "vp8" if "vp8" in codec or codec == "libvpx" else codec
    codec = "vp9" if "vp9" in codec else codec
    payload = hashlib.blake2b(digest_size=16)
    ended = False
    with damage_passed_over(source.uri):
        for packet in source.container.demux(source.stream):
            if packet.size == 0:
                continue
            payload.update(memoryview(packet))
            table.sizes.append(packet.size)
            table.pts.append(packet.pts)
            table.dts.append(packet.dts)
            table.keys.append(packet.is_keyframe)
            table.dropped.append(packet.is_discard)
            table.hidden += codec in ("vp8", "vp9") and _is_hidden(codec, packet)
            table.corrupt |= packet.is_corrupt
            if table.first_key is None and packet.is_keyframe:
                table.first_key = packet
        ended = True
    table.corrupt |= not ended
    table.payload = payload.digest()
    return table


def doubt(table: PacketTable, source: OpenSource) -> str:
    """Return why packets cannot be taken for frames; empty when they can.

    A wrong doubt costs one decode of the file; a missed one would give every later stage a
    wrong frame, so doubts are generous.
    """
    return next(_doubts(table, source), "")


def _doubts(table: PacketTable, source: OpenSource) -> Iterator[str]:
    if table.corrupt:
        yield "a packet is damaged or the file is cut off"
    times = [time for time in table.pts if time is not None]
    if len(times) < len(table.pts):
        yield "packets without presentation times"
    if not table.keys[0]:
        yield "the file does not start at a key frame"
    if table.hidden:
        yield f"{table.hidden} packets show no frame (alt-ref)"
    if any(table.dropped):
        yield f"an edit list drops {sum(table.dropped)} packets"
    if len(set(times)) < len(times):
        yield "several packets have the same presentation time"
    if times and min(times) < times[0]:
        yield "frames before the first key frame (open GOP)"
    if source.container.format.name == "avi" and source.stream.codec_context.has_b_frames:
        yield "reordered frames in AVI, which knows no presentation times"
    if source.stream.frames not in (0, len(table.pts)):
        yield f"the header counts {source.stream.frames} frames, not {len(table.pts)}"
    yield from _cut_off(table, source)


def _cut_off(table: PacketTable, source: OpenSource) -> Iterator[str]:
    """Compare with the duration in the header: a file that was cut off still claims its old one."""
    if source.container.format.name == "mpegts" and all(
        source.file.size_bytes % packet for packet in _TS_PACKETS
    ):
        yield "the transport stream ends within a packet"
    claimed = _claimed_end(source)
    times = [time for time in table.pts if time is not None]
    if claimed is None or len(times) < 2:
        return
    step = Fraction(max(times) - min(times), len(times) - 1)
    if (max(times) + 3 * step) * source.time_base < claimed:
        end = float((max(times) + step) * source.time_base)
        yield f"frames end at {end:.2f} s, the header says {float(claimed):.2f} s"


def _claimed_end(source: OpenSource) -> Fraction | None:
    """Return the end in seconds that Matroska writes for its video, where it does."""
    if "matroska" not in source.container.format.name:
        return None
    tag = source.stream.metadata.get("DURATION", "")
    if match := _DURATION.fullmatch(tag.strip()):
        hours, minutes, seconds = match.groups()
        return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
    # The duration of the whole file may be that of longer sound.
    if source.container.streams.audio or not source.container.duration:
        return None
    return Fraction(source.container.duration, av.time_base)
