"""Decoding: the only place that touches PyAV. Stages ask for frames by number."""

from clipmill.video.access.files import local_stamp, open_file
from clipmill.video.errors import (
    IndexMismatchError,
    VideoChangedError,
    VideoError,
    VideoMissingError,
    translated,
)
from clipmill.video.index import FrameIndex
from clipmill.video.indexing import ProbedVideo, index_video, packet_times, probe_video
from clipmill.video.info import VideoInfo
from clipmill.video.reader import StreamedFrame, VideoReader
from clipmill.video.sizes import FrameSize, fit_within

__all__ = [
    "FrameIndex",
    "FrameSize",
    "IndexMismatchError",
    "ProbedVideo",
    "StreamedFrame",
    "VideoChangedError",
    "VideoError",
    "VideoInfo",
    "VideoMissingError",
    "VideoReader",
    "fit_within",
    "index_video",
    "local_stamp",
    "open_file",
    "packet_times",
    "probe_video",
    "translated",
]
