"""What the packets of a file say about its frames, and whether that can be believed."""

from dataclasses import dataclass, field

import av.error
from av.packet import Packet

from clipmill.video.source import OpenSource


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
    """

    pts: list[int | None] = field(default_factory=list)
    dts: list[int | None] = field(default_factory=list)
    keys: list[bool] = field(default_factory=list)
    dropped: list[bool] = field(default_factory=list)
    hidden: int = 0
    corrupt: bool = False
    first_key: Packet | None = None


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
    try:
        for packet in source.container.demux(source.stream):
            if packet.size == 0:
                continue
            table.pts.append(packet.pts)
            table.dts.append(packet.dts)
            table.keys.append(packet.is_keyframe)
            table.dropped.append(packet.is_discard)
            table.hidden += codec in ("vp8", "vp9") and _is_hidden(codec, packet)
            table.corrupt |= packet.is_corrupt
            if table.first_key is None and packet.is_keyframe:
                table.first_key = packet
    except av.error.FFmpegError:
        table.corrupt = True
    return table


def doubt(table: PacketTable, source: OpenSource) -> str:
    """Return why packets cannot be taken for frames; empty when they can.

    A wrong doubt costs one decode of the file; a missed one would give every later stage a
    wrong frame, so doubts are generous.
    """
    if table.corrupt:
        return "a packet is damaged or the file is cut off"
    if any(pts is None for pts in table.pts):
        return "packets without presentation times"
    if not table.keys[0]:
        return "the file does not start at a key frame"
    if table.hidden:
        return f"{table.hidden} packets show no frame (alt-ref)"
    if any(table.dropped):
        return f"an edit list drops {sum(table.dropped)} packets"
    if len(set(table.pts)) < len(table.pts):
        return "several packets have the same presentation time"
    if min(table.pts) < table.pts[0]:  # type: ignore[operator,type-var]
        return "frames before the first key frame (open GOP)"
    if source.stream.frames not in (0, len(table.pts)):
        return f"the header counts {source.stream.frames} frames, not {len(table.pts)}"
    return ""
