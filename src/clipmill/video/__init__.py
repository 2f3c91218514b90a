"""Decoding: the only place that touches PyAV. Stages ask for frames by number."""

from clipmill.video.errors import (
    IndexMismatchError,
    VideoChangedError,
    VideoError,
    VideoMissingError,
)
from clipmill.video.index import FrameIndex
from clipmill.video.indexing import index_video, packet_times
from clipmill.video.info import VideoInfo
from clipmill.video.reader import StreamedFrame, VideoReader
from clipmill.video.sizes import FrameSize, fit_within

__all__ = [
    "FrameIndex",
    "FrameSize",
    "IndexMismatchError",
    "StreamedFrame",
    "VideoChangedError",
    "VideoError",
    "VideoInfo",
    "VideoMissingError",
    "VideoReader",
    "fit_within",
    "index_video",
    "packet_times",
]
