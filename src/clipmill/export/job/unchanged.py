"""Is a video still the one that was annotated? Its size and its packets tell."""

from functools import lru_cache

import numpy as np

from clipmill.export.content.compose import SampleFacts
from clipmill.video import VideoChangedError, packet_times


def check_unchanged(uri: str, facts: SampleFacts) -> None:
    """Compare a video with what the workspace knows of it.

    Besides the size, the times and key frames of all packets are compared; reading them decodes
    nothing. Files whose packets could not be trusted are compared by size alone.

    Raises:
        VideoChangedError: It is another file.
        VideoMissingError: It is gone.
    """
    if facts.index is None or not facts.index.exact:
        return
    pts, keyframes = _packets(uri, facts.size_bytes)
    if not (
        np.array_equal(pts, facts.index.pts) and np.array_equal(keyframes, facts.index.keyframes)
    ):
        raise VideoChangedError(
            f"the video {uri} has other frames than when it was annotated; run the pipeline again"
        )


@lru_cache(maxsize=16)
def _packets(uri: str, size_bytes: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return pts and key frames of a video; samples of one video follow each other."""
    return packet_times(uri, expected_size_bytes=size_bytes)
