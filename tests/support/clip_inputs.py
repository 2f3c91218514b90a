"""Clips of video files as backends get them, probed by the real backend."""

from pathlib import Path

from clipmill.annotations.base import ClipInput
from clipmill.annotations.probe.embedded import EmbeddedProbe
from clipmill.clips import Clip, Video, video_id_for


def probed(path: Path, start: int = 0, end: int | None = None) -> ClipInput:
    """Return frames [start, end) of a file, to its end when None."""
    video = Video(video_id_for(path.name), "", path.name, str(path), path.stat().st_size)
    probe = EmbeddedProbe(EmbeddedProbe.Config())
    (row,) = probe.annotate([probe.load(ClipInput(video, Clip(video.video_id, 0, 1)))])
    return ClipInput(video, Clip(video.video_id, start, end or row.num_frames), probe=row)
