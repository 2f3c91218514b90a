"""Facts about a video file."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ProbeRow:
    """What the file says and what its packets show; no frame is decoded unless packets lie.

    Attributes:
        width: Pixels, after rotation metadata, as displayed.
        height: Pixels, after rotation metadata.
        rotation: Clockwise degrees the decoder's picture was turned by: 0, 90, 180 or 270.
        aspect_ratio: width / height of the pixels as displayed.
        fps: Frames per second computed from the presentation times, not from the header.
        num_frames: Frames in presentation order.
        duration: Seconds, num_frames / fps.
        codec: e.g. `h264`.
        pixel_format: e.g. `yuv420p`.
        container: e.g. `mov,mp4,m4a,3gp,3g2,mj2`.
        num_video_streams: Video streams in the file; the first (best) one is used.
        has_audio: Whether there is an audio stream.
        variable_rate: Whether frame intervals differ by more than a tick's rounding.
        index_exact: False when the packets could not be trusted and frames were counted by
            decoding instead.
        index_note: Why the index was corrected; empty otherwise.
        index: `FrameIndex.to_bytes()`: pts, keyframes, time base.
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
