"""What all trackers share: the frames of the anchors' windows in, rows of all objects out."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from clipmill.annotations.base import Backend, ClipInput
from clipmill.annotations.objects.schema import CarriedObject
from clipmill.annotations.probe.schema import ProbeRow
from clipmill.annotations.tracks.motion import BackgroundMotion
from clipmill.annotations.tracks.schema import ObjectTracks, TracksRow
from clipmill.annotations.tracks.windows import AnchorObjects, anchors_to_follow, decode_windows
from clipmill.errors import ClipError
from clipmill.video import FrameSize


@dataclass(frozen=True)
class WindowedClip:
    """Frames of a clip that its anchors need.

    Attributes:
        anchors: In frame order.
        frames: Clip index -> uint8 [H, W] or [H, W, 3] (RGB) at the working size.
        source_size: Width and height of the video.
        background: The camera's homographies.
        carried: Masks over time by identity, where the objects backend carries them.
        check: Deadline check.
    """

    anchors: tuple[AnchorObjects, ...]
    frames: Mapping[int, npt.NDArray[np.uint8]]
    source_size: tuple[int, int]
    background: BackgroundMotion
    carried: Mapping[int, CarriedObject]
    check: Callable[[], None]


class WindowedTracks(Backend):
    """Follows the objects of every anchor through its window.

    The settings have `horizon` and `min_frames_after`.
    """

    annotation: ClassVar[str] = "tracks"
    Row: ClassVar[type] = TracksRow
    reads: ClassVar[tuple[str, ...]] = ("objects", "camera")

    @abstractmethod
    def frame_size(self, probe: ProbeRow) -> FrameSize:
        """Return the size and layout that frames are looked at."""

    @abstractmethod
    def follow(self, clip: WindowedClip, anchor: AnchorObjects) -> list[ObjectTracks]:
        """Return the tracks of all objects of an anchor, in order."""

    def load(self, item: ClipInput) -> WindowedClip:
        """Decode, in one pass, the frames that lie in some anchor's window."""
        probe = item.probe
        if probe is None:
            raise ClipError(f"{item.video.uri}: the tracks step needs the probe's facts")
        anchors = anchors_to_follow(
            item.rows["objects"],
            item.clip.num_frames,
            horizon=self.config.horizon,
            min_frames_after=self.config.min_frames_after,
        )
        return WindowedClip(
            anchors=anchors,
            frames=decode_windows(item, anchors, self.frame_size(probe)),
            source_size=(probe.width, probe.height),
            background=BackgroundMotion.of(item.rows["camera"]),
            carried={one.identity: one for one in item.rows["objects"].carried},
            check=item.check,
        )

    def annotate(self, batch: Sequence[WindowedClip]) -> Sequence[TracksRow]:
        """Follow all objects of each clip."""
        rows = []
        for clip in batch:
            objects = [entry for anchor in clip.anchors for entry in self.follow(clip, anchor)]
            rows.append(TracksRow(objects=tuple(objects), num_objects=len(objects)))
        return rows
