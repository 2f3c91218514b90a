"""Point tracks on a CPU: pyramidal Lucas-Kanade, held together by each object's own motion."""

import cv2
import numpy as np
from pydantic import Field

from clipmill.annotations.base import BackendConfig
from clipmill.annotations.objects.schema import DetectedObject
from clipmill.annotations.probe.schema import ProbeRow
from clipmill.annotations.tracks.arrays import Floats, Gray
from clipmill.annotations.tracks.body import Seed
from clipmill.annotations.tracks.cycle import CycledObject, follow_and_return
from clipmill.annotations.tracks.schema import ObjectTracks
from clipmill.annotations.tracks.windowed import WindowedClip, WindowedTracks
from clipmill.annotations.tracks.windows import (
    AnchorObjects,
    inside,
    pack_object,
    to_source,
    to_working,
)
from clipmill.store.codecs import decode_array, decode_mask
from clipmill.video import FrameSize, fit_within

_MAX_SUPPORT = 24


class LucasKanadeTracksConfig(BackendConfig):
    """Settings of `LucasKanadeTracks`.

    Attributes:
        horizon: Frames to follow after the anchor.
        min_frames_after: An anchor must leave more frames of the clip than this, itself
            included, or its objects are skipped.
        max_cycle_error: Share of the frame's height a surviving point may miss its beginning by.
        long_side: Size frames are looked at, pixels.
    """

    horizon: int = Field(170, ge=1)
    min_frames_after: int = Field(50, ge=0)
    max_cycle_error: float = Field(0.04, gt=0)
    long_side: int = Field(640, ge=128)


class LucasKanadeTracks(WindowedTracks):
    """Follows the query points of every object from its anchor, and back again.

    Between frames: Lucas-Kanade with a forward-backward check, starting from the object's speed.
    Per object: a similarity fitted to all of its points by RANSAC; points that leave it, or that
    stop looking like themselves, are hidden and carried with it; a whole object that is hidden
    coasts, and is searched where it should come out. Drift is taken back by aligning points with
    their first look, of which only what lies on the object's mask counts.

    Objects of anchors that leave too few frames are left out. Tracks that end because the object
    has gone are followed back from the last frame in which it was seen.
    """

    name = "embedded"
    version = 3
    Config = LucasKanadeTracksConfig

    config: LucasKanadeTracksConfig

    def frame_size(self, probe: ProbeRow) -> FrameSize:
        """Return a grey picture of `long_side`."""
        width, height = fit_within(probe.width, probe.height, long_side=self.config.long_side)
        return FrameSize(width, height, "gray")

    def follow(self, clip: WindowedClip, anchor: AnchorObjects) -> list[ObjectTracks]:
        """Follow each object by itself, forward and back."""
        frames = [clip.frames[t] for t in range(anchor.index, anchor.last + 1)]
        height, width = frames[0].shape
        scale = np.array([clip.source_size[0] / width, clip.source_size[1] / height])
        seeds = [make_seed(frames[0], found, scale) for found in anchor.objects]
        cycled = follow_and_return(frames, seeds, check=clip.check)
        return [
            self._pack(clip, anchor.index, found, result, scale)
            for found, result in zip(anchor.objects, cycled, strict=True)
        ]

    def _pack(
        self,
        clip: WindowedClip,
        anchor: int,
        found: DetectedObject,
        result: CycledObject,
        scale: Floats,
    ) -> ObjectTracks:
        error = result.error * float(np.sqrt(scale.prod()))
        return pack_object(
            found,
            anchor=anchor,
            points=to_source(result.points, scale),
            visible=result.visible,
            error=error,
            survived=error <= self.config.max_cycle_error * clip.source_size[1],
            size=clip.source_size,
            background=clip.background,
        )


def make_seed(gray: Gray, found: DetectedObject, scale: Floats) -> Seed:
    """Return an object's query points and supporting corners at the working size.

    Args:
        gray: uint8 [H, W], the anchor frame.
        found: The object.
        scale: Source pixels per working pixel, x and y.
    """
    points = to_working(decode_array(found.points).astype(np.float64).reshape(-1, 2), scale)
    mask = decode_mask(found.mask, size=gray.shape)
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0)
    corners = cv2.goodFeaturesToTrack(gray, _MAX_SUPPORT, 0.02, 5, mask=inner)
    support = np.zeros((0, 2)) if corners is None else corners.reshape(-1, 2).astype(np.float64)
    height, width = gray.shape
    return Seed(points, support, inside(points, width=width, height=height), mask)
