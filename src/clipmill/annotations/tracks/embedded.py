"""Point tracks on a CPU: pyramidal Lucas-Kanade, held together by each object's own motion."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from pydantic import Field

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.annotations.objects.schema import DetectedObject, ObjectsRow
from clipmill.annotations.tracks.arrays import Flags, Floats, Gray
from clipmill.annotations.tracks.body import Seed
from clipmill.annotations.tracks.cycle import CycledObject, follow_and_return
from clipmill.annotations.tracks.motion import BackgroundMotion, motion_speed, motion_strength
from clipmill.annotations.tracks.schema import ObjectTracks, TracksRow
from clipmill.errors import ClipError
from clipmill.store.codecs import (
    decode_array,
    decode_mask,
    encode_array,
    encode_bits,
    encode_tracks,
)
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


@dataclass(frozen=True)
class AnchorObjects:
    """Objects of one anchor that are to be followed to frame `last` (clip index, inclusive)."""

    index: int
    last: int
    objects: tuple[DetectedObject, ...]


@dataclass(frozen=True)
class WindowedClip:
    """Frames of a clip that its anchors need.

    Attributes:
        anchors: In frame order.
        frames: Clip index -> uint8 [H, W] at the working size.
        source_size: Width and height of the video.
        background: The camera's homographies.
        check: Deadline check.
    """

    anchors: tuple[AnchorObjects, ...]
    frames: Mapping[int, Gray]
    source_size: tuple[int, int]
    background: BackgroundMotion
    check: Callable[[], None]


class LucasKanadeTracks(Backend):
    """Follows the query points of every object from its anchor, and back again.

    Between frames: Lucas-Kanade with a forward-backward check, starting from the object's speed.
    Per object: a similarity fitted to all of its points by RANSAC; points that leave it, or that
    stop looking like themselves, are hidden and carried with it; a whole object that is hidden
    coasts, and is searched where it should come out. Drift is taken back by aligning points with
    their first look.

    Objects of anchors that leave too few frames are left out. Tracks that end because the object
    has gone are followed back from the last frame in which it was seen.
    """

    annotation = "tracks"
    name = "embedded"
    version = 1
    Config = LucasKanadeTracksConfig
    Row = TracksRow
    reads = ("objects", "camera")

    config: LucasKanadeTracksConfig

    def load(self, item: ClipInput) -> WindowedClip:
        """Decode, in one pass, the frames that lie in some anchor's window."""
        probe = item.probe
        if probe is None:
            raise ClipError(f"{item.video.uri}: the tracks step needs the probe's facts")
        anchors = self._anchors(item.rows["objects"], item.clip.num_frames)
        wanted = {t for anchor in anchors for t in range(anchor.index, anchor.last + 1)}
        frames: dict[int, Gray] = {}
        width, height = fit_within(probe.width, probe.height, long_side=self.config.long_side)
        for start, end in _runs(sorted(wanted)):
            with item.open() as reader:
                for frame in reader.stream(
                    item.clip.start + start,
                    item.clip.start + end,
                    sizes={"work": FrameSize(width, height, "gray")},
                ):
                    frames[frame.index - item.clip.start] = frame.images["work"]
        missing = wanted - frames.keys()
        if missing:
            raise ClipError(
                f"{item.video.uri}: frames {min(missing)} to {max(missing)} of {item.clip.clip_id} "
                "could not be decoded; the file is damaged there"
            )
        return WindowedClip(
            anchors=anchors,
            frames=frames,
            source_size=(probe.width, probe.height),
            background=BackgroundMotion.of(item.rows["camera"]),
            check=item.check,
        )

    def _anchors(self, row: ObjectsRow, num_frames: int) -> tuple[AnchorObjects, ...]:
        return tuple(
            AnchorObjects(
                index=anchor.index,
                last=min(anchor.index + self.config.horizon, num_frames - 1),
                objects=anchor.objects,
            )
            for anchor in row.anchors
            if anchor.objects and num_frames - anchor.index > self.config.min_frames_after
        )

    def annotate(self, batch: Sequence[WindowedClip]) -> Sequence[TracksRow]:
        """Follow all objects of each clip."""
        rows = []
        for clip in batch:
            objects = [entry for anchor in clip.anchors for entry in self._follow(clip, anchor)]
            rows.append(TracksRow(objects=tuple(objects), num_objects=len(objects)))
        return rows

    def _follow(self, clip: WindowedClip, anchor: AnchorObjects) -> list[ObjectTracks]:
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
        width, height = clip.source_size
        points = to_source(result.points, scale)
        visible = result.visible & _inside(points, width=width, height=height)
        error = result.error * float(np.sqrt(scale.prod()))
        survived = error <= self.config.max_cycle_error * height
        kept, kept_visible = points[:, survived], visible[:, survived]
        return ObjectTracks(
            object_id=found.object_id,
            anchor=anchor,
            num_frames=len(points),
            num_points=points.shape[1],
            points=encode_tracks(points),
            visibility=encode_bits(visible),
            cycle_error=encode_array(error.astype(np.float32)),
            survived=encode_bits(survived),
            survival=float(survived.mean()) if survived.size else 0.0,
            motion_strength=motion_strength(kept, width=width, height=height),
            motion_speed=motion_speed(kept, kept_visible, width=width, height=height),
            motion_compensated=motion_speed(
                kept,
                kept_visible,
                width=width,
                height=height,
                anchor=anchor,
                background=clip.background,
            ),
            visible_share=float(kept_visible.mean()) if kept_visible.size else 0.0,
        )


def make_seed(gray: Gray, found: DetectedObject, scale: Floats) -> Seed:
    """Return an object's query points and supporting corners at the working size.

    Args:
        gray: uint8 [H, W], the anchor frame.
        found: The object.
        scale: Source pixels per working pixel, x and y.
    """
    points = to_working(decode_array(found.points).astype(np.float64).reshape(-1, 2), scale)
    mask = decode_mask(found.mask, size=gray.shape).astype(np.uint8)
    mask = cv2.erode(mask, np.ones((5, 5), np.uint8), borderValue=0)
    corners = cv2.goodFeaturesToTrack(gray, _MAX_SUPPORT, 0.02, 5, mask=mask)
    support = np.zeros((0, 2)) if corners is None else corners.reshape(-1, 2).astype(np.float64)
    height, width = gray.shape
    return Seed(points, support, _inside(points, width=width, height=height))


def to_working(points: Floats, scale: Floats) -> Floats:
    """Return source pixels as working pixels; whole numbers are pixel centres in both."""
    return (points + 0.5) / scale - 0.5


def to_source(points: Floats, scale: Floats) -> Floats:
    """Undo `to_working`."""
    return (points + 0.5) * scale - 0.5


def _inside(points: Floats, *, width: int, height: int) -> Flags:
    within = (points >= -0.5) & (points <= (width - 0.5, height - 0.5))
    return np.asarray(within.all(axis=-1), bool)


def _runs(frames: Sequence[int]) -> list[tuple[int, int]]:
    """Return the half-open runs of consecutive numbers in an ascending list."""
    runs: list[tuple[int, int]] = []
    for t in frames:
        if runs and runs[-1][1] == t:
            runs[-1] = (runs[-1][0], t + 1)
        else:
            runs.append((t, t + 1))
    return runs
