"""What the pictures of a video stream are, and whether reading changes them."""

from dataclasses import dataclass
from fractions import Fraction

from av.video.frame import VideoFrame

from clipmill.video.access.source import OpenSource, video_streams
from clipmill.video.pixels.aspect import SQUARE, square_size
from clipmill.video.pixels.colours import (
    UNKNOWN,
    colours_line,
    is_converted,
    is_convertible,
    matrix_name,
    primaries_name,
    range_name,
    transfer_name,
)

_FIELD_ORDERS = {1: "progressive", 2: "tt", 3: "bb", 4: "tb", 5: "bt"}
"""libav's field orders under the names of ffprobe."""


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """Colours, fields and pixels of a stream, in the words of ffprobe.

    Attributes:
        transfer: Transfer function, e.g. `bt709`, `smpte2084` (PQ), `arib-std-b67` (HLG);
            `unknown` where the file names none, as for the next three.
        primaries: e.g. `bt709`, `bt2020`.
        matrix: e.g. `bt709`, `smpte170m`, `bt2020nc`.
        color_range: `tv` or `pc`.
        bit_depth: Bits of a channel of the decoded frames.
        field_order: `progressive`, `tt`, `bb`, `tb`, `bt` (first letter: the field that is coded
            first, second: that is shown first), `interlaced` where only the frames say so, else
            `unknown`.
        sample_aspect: Width of a stored pixel over its height; 0 where the file names none.
        stream_index: Number of the stream among all of the file.
        convertible: False where the colours are of a kind that reading cannot bring to BT.709:
            linear light, logarithms, X'Y'Z', ICtCp, YCgCo, constant luminance.
        altered: Whether reading gives other pictures than a plain decode of the file's first
            video stream, turned for display: HDR and wide colours brought to BT.709, square
            pixels, no fields, another stream.
    """

    transfer: str
    primaries: str
    matrix: str
    color_range: str
    bit_depth: int
    field_order: str
    sample_aspect: Fraction
    stream_index: int
    convertible: bool
    altered: bool

    @property
    def colours(self) -> str:
        """The colours in one line, see `colours_line`."""
        return colours_line(self.transfer, self.primaries, self.matrix, self.color_range)

    @property
    def interlaced(self) -> bool:
        """Whether the stream holds fields."""
        return self.field_order not in ("progressive", UNKNOWN)


def picture_facts(source: OpenSource, frame: VideoFrame) -> PictureFacts:
    """Return the facts of the stream that is read, given its first decoded frame."""
    transfer, primaries, matrix = (
        int(value) for value in (frame.color_trc, frame.color_primaries, frame.colorspace)
    )
    aspect = sample_aspect_of(source)
    fields = _field_order(source, frame)
    altered = (
        is_converted(transfer, primaries)
        or square_size(frame.width, frame.height, aspect) != (frame.width, frame.height)
        or fields not in ("progressive", UNKNOWN)
        or source.stream.index != video_streams(source.container)[0].index
    )
    return PictureFacts(
        transfer=transfer_name(transfer),
        primaries=primaries_name(primaries),
        matrix=matrix_name(matrix),
        color_range=range_name(int(frame.color_range)),
        bit_depth=frame.format.components[0].bits,
        field_order=fields,
        sample_aspect=aspect,
        stream_index=source.stream.index,
        convertible=is_convertible(transfer, primaries, matrix),
        altered=altered,
    )


def sample_aspect_of(source: OpenSource) -> Fraction:
    """Return the shape of a pixel by the container, else by the codec; 0 where none says."""
    stream = source.stream
    for ratio in (stream.sample_aspect_ratio, stream.codec_context.sample_aspect_ratio):
        if ratio:
            return Fraction(ratio)
    return Fraction(0)


def shown_size(source: OpenSource, frame: VideoFrame) -> tuple[int, int]:
    """Return width and height of a frame in square pixels, before it is turned."""
    return square_size(frame.width, frame.height, sample_aspect_of(source) or SQUARE)


def _field_order(source: OpenSource, frame: VideoFrame) -> str:
    named = _FIELD_ORDERS.get(int(source.stream.codec_context.field_order), UNKNOWN)
    if frame.interlaced_frame and named in ("progressive", UNKNOWN):
        return "interlaced"
    return named
