"""Facts about a video file."""

from dataclasses import dataclass

from clipmill.clips import video_id_of


@dataclass(frozen=True)
class ProbeRow:
    """What the file says and what its packets show; no frame is decoded unless packets lie.

    Attributes:
        width: Square pixels, after rotation metadata, as displayed.
        height: Square pixels, after rotation metadata.
        rotation: Clockwise degrees the decoder's picture was turned by: 0, 90, 180 or 270;
            mirroring is none.
        aspect_ratio: width / height of the picture as displayed.
        fps: Frames per second computed from the presentation times, not from the header.
        num_frames: Frames in presentation order.
        duration: Seconds, num_frames / fps.
        codec: e.g. `h264`.
        pixel_format: e.g. `yuv420p`.
        container: e.g. `mov,mp4,m4a,3gp,3g2,mj2`.
        num_video_streams: Video streams in the file, cover pictures not counted; one is used,
            see `stream_index`.
        has_audio: Whether there is an audio stream.
        variable_rate: Whether frame intervals differ by more than a tick's rounding.
        index_exact: False when the packets could not be trusted and frames were counted by
            decoding instead.
        index_note: Why the index was corrected; empty otherwise.
        index: `FrameIndex.to_bytes()`: pts, keyframes, time base.
        stream_index: Number, among all streams of the file, of the one that is used: of the
            moving pictures the one that the file marks as default, else the largest.
        transfer: Transfer function in the words of ffprobe, e.g. `bt709`, `smpte2084` (PQ),
            `arib-std-b67` (HLG); `unknown` where the file names none, as for the next three.
        primaries: e.g. `bt709`, `bt2020`.
        matrix: e.g. `bt709`, `smpte170m`, `bt2020nc`.
        color_range: `tv` (limited) or `pc` (full).
        bit_depth: Bits of a channel as decoded; all stages see 8.
        field_order: `progressive`, `tt`, `bb`, `tb`, `bt`, `interlaced` where only the frames say
            so, else `unknown`.
        interlaced: Whether the stream holds fields; they are deinterlaced when it is read.
        sample_aspect: Width of a stored pixel over its height, 1 for square ones; 0 where the file
            names none. Pixels are made square when they are read.
        convertible: False where the colours are of a kind that reading cannot bring to BT.709
            (linear light, logarithms, X'Y'Z', ICtCp, YCgCo, constant luminance). HDR (PQ, HLG)
            and wide primaries are brought to it.
        altered: Whether reading gives other pictures than a plain decode of the file's first
            video stream: for one of these reasons. Exports then encode and never copy.
        content: 32 hex digits that name the content of the file; the first 16 are the video id.
        size_bytes: Size of the file.
        stamp: What changes when the file is replaced, see `Video.stamp`.
    """

    width: int
    height: int
    rotation: int
    aspect_ratio: float
    fps: float
    num_frames: int
    duration: float
    codec: str
    pixel_format: str
    container: str
    num_video_streams: int
    has_audio: bool
    variable_rate: bool
    index_exact: bool
    index_note: str
    index: bytes
    stream_index: int = 0
    transfer: str = "unknown"
    primaries: str = "unknown"
    matrix: str = "unknown"
    color_range: str = "unknown"
    bit_depth: int = 8
    field_order: str = "unknown"
    interlaced: bool = False
    sample_aspect: float = 0.0
    convertible: bool = True
    altered: bool = False

    # Identity of the file.
    content: str = ""
    size_bytes: int = 0
    stamp: str = ""

    @property
    def video_id(self) -> str:
        """Name of the content, 16 hex digits."""
        return video_id_of(self.content)
