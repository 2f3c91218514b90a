"""Who is still in, between two steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from clipmill.clips import Clip, Video


class Part(NamedTuple):
    """Frames of a video that a row of a table has asked for, and its caption."""

    start: int
    end: int
    text: str | None


@dataclass(frozen=True)
class Population:
    """Videos and clips that reached a step.

    Attributes:
        videos: All listed videos by id, also those that are out. Before `probe` has read them,
            files by `file_id`.
        clips: Clips still in, ordered by video listing and start. Before `probe` has counted
            frames, each file is stood for by the clip [0, 1), with its `file_id` as video.
        probed: Whether `clips` hold real frame ranges.
        kept_objects: Object ids that all object-level selections kept; None before the first.
        files: `file_id` by video, of those that `probe` has read.
        parts: Parts of the videos of which rows name some, by video id, once frames are counted.
    """

    videos: Mapping[str, Video]
    clips: tuple[Clip, ...]
    probed: bool = False
    kept_objects: frozenset[str] | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """What the population consists of, for people."""
        return "clips" if self.probed else "videos"

    def key_of(self, clip: Clip) -> str:
        """Return the key of a member: its clip id, or its file id before `probe`."""
        return clip.clip_id if self.probed else clip.video_id

    def file_of(self, clip: Clip) -> str:
        """Return the `file_id` of the file that a clip is cut from: the key of its probe row."""
        return self.files.get(clip.video_id) or self.videos[clip.video_id].file_id

    def video_of(self, clip: Clip) -> Video:
        """Return the video of a clip, with the caption of the part that the clip is in.

        Where several parts hold it, the shortest one counts.
        """
        video = self.videos[clip.video_id]
        parts = self.parts.get(clip.video_id)
        if not parts:
            return video
        holding = [p for p in parts if p.start <= clip.start and clip.end <= p.end]
        part = min(holding, key=lambda p: (p.end - p.start, p.text is None), default=None)
        return replace(video, text=part.text if part else None, spans=())
