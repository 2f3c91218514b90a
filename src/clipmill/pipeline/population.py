"""Who is still in, between two steps."""

from collections.abc import Mapping
from dataclasses import dataclass

from clipmill.clips import Clip, Video


@dataclass(frozen=True)
class Population:
    """Videos and clips that reached a step.

    Attributes:
        videos: All listed videos by id, also those that are out.
        clips: Clips still in, ordered by video listing and start. Before `probe` has counted
            frames, each video is stood for by the clip [0, 1).
        probed: Whether `clips` hold real frame ranges.
        kept_objects: Object ids that all object-level selections kept; None before the first.
    """

    videos: Mapping[str, Video]
    clips: tuple[Clip, ...]
    probed: bool = False
    kept_objects: frozenset[str] | None = None

    @property
    def unit(self) -> str:
        """What the population consists of, for people."""
        return "clips" if self.probed else "videos"

    def key_of(self, clip: Clip) -> str:
        """Return the key of a member: its clip id, or its video id before `probe`."""
        return clip.clip_id if self.probed else clip.video_id
