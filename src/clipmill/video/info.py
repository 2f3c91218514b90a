"""What a video file is, apart from its frames."""

from dataclasses import dataclass

from av.video.frame import VideoFrame

from clipmill.video.access.source import OpenSource, video_streams
from clipmill.video.pixels.orientation import orientation_of
from clipmill.video.pixels.picture import PictureFacts, picture_facts, shown_size


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Facts of a file and of the video stream that is read.

    Attributes:
        width: Square pixels as displayed, after rotation metadata.
        height: Square pixels as displayed, after rotation metadata.
        rotation: Clockwise degrees the decoder's picture is turned by: 0, 90, 180 or 270.
        codec: e.g. `h264`.
        pixel_format: Of the decoded frames, e.g. `yuv420p`.
        container: e.g. `mov,mp4,m4a,3gp,3g2,mj2`.
        num_video_streams: Video streams in the file, cover pictures not counted.
        has_audio: Whether there is an audio stream.
        size_bytes: Size of the file.
        picture: Colours, fields and pixels of the stream that is read.
    """

    width: int
    height: int
    rotation: int
    codec: str
    pixel_format: str
    container: str
    num_video_streams: int
    has_audio: bool
    size_bytes: int
    picture: PictureFacts


def describe(source: OpenSource, frame: VideoFrame) -> VideoInfo:
    """Return the facts of an open file, given its first decoded frame."""
    orientation = orientation_of(frame)
    width, height = shown_size(source, frame)
    if orientation.swaps_sides:
        width, height = height, width
    return VideoInfo(
        width=width,
        height=height,
        rotation=orientation.degrees,
        codec=source.stream.codec_context.codec.canonical_name,
        pixel_format=frame.format.name,
        container=source.container.format.name,
        num_video_streams=len(video_streams(source.container)),
        has_audio=bool(source.container.streams.audio),
        size_bytes=source.file.size_bytes,
        picture=picture_facts(source, frame),
    )
