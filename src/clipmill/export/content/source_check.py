"""Is a video still the one that its rows speak of? Its stamp tells quickly, its content decides."""

from functools import lru_cache

import fsspec
import numpy as np

from clipmill.clips import TAR_MEMBER, TarMember, stamp_of_entry, video_id_of
from clipmill.export.content.compose import SampleInputs
from clipmill.video import (
    VideoChangedError,
    local_stamp,
    open_file,
    packet_times,
    probe_video,
    translated,
)


def check_source(uri: str, facts: SampleInputs) -> None:
    """Compare a video with what the workspace knows of it.

    A file with the size and stamp that it was listed with is believed. Any other is read: its
    packets and a few blocks say whether it has the content that was annotated. No frame is decoded
    for it, unless its packets cannot be trusted. Of a video that the last run did not list, times
    and key frames of the packets are compared, where they are known.

    Raises:
        VideoChangedError: It is another video.
        VideoMissingError: It is gone.
        VideoError: It cannot be read any more.
    """
    if facts.video_id:
        same = has_same_content(uri, facts.video_id, size_bytes=facts.size_bytes, stamp=facts.stamp)
    else:
        same = facts.index is None or not facts.index.exact or _same_packets(uri, facts)
    if not same:
        raise VideoChangedError(
            f"the video {uri} has other frames than when it was annotated; run the pipeline again"
        )


def has_same_content(uri: str, video_id: str, *, size_bytes: int | None, stamp: str) -> bool:
    """Tell whether a file has the content that was annotated.

    Args:
        uri: Where it lies.
        video_id: Name of the content that was annotated.
        size_bytes: Size when it was listed; None when not known.
        stamp: Stamp when it was listed; empty when not known.

    Raises:
        VideoError: It is gone, has another size, or cannot be read.
    """
    now = _stamp_now(uri, size_bytes)
    return bool(stamp and now == stamp) or _video_id(uri, now) == video_id


def _stamp_now(uri: str, size_bytes: int | None) -> str:
    with translated(uri):
        open_file(uri, expected_size_bytes=size_bytes).close()
        if stamp := local_stamp(uri):
            return stamp
        if uri.startswith(TAR_MEMBER):
            uri = TarMember.parse(uri).archive
        filesystem, inner = fsspec.core.url_to_fs(uri)
        return stamp_of_entry(filesystem.info(inner))


@lru_cache(maxsize=16)
def _video_id(uri: str, _stamp: str) -> str:
    """Return the name of a file's content as it is now; samples of one video follow each other."""
    return video_id_of(probe_video(uri).content)


def _same_packets(uri: str, facts: SampleInputs) -> bool:
    assert facts.index is not None
    pts, keyframes = _packets(uri, facts.size_bytes)
    return np.array_equal(pts, facts.index.pts) and np.array_equal(keyframes, facts.index.keyframes)


@lru_cache(maxsize=16)
def _packets(uri: str, size_bytes: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return pts and key frames of a video; samples of one video follow each other."""
    return packet_times(uri, expected_size_bytes=size_bytes)
