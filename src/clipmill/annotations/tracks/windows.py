"""What every tracks backend shares: which frames an anchor needs, and rows from tracks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clipmill.annotations.base import ClipInput
from clipmill.annotations.objects.schema import DetectedObject, ObjectsRow
from clipmill.annotations.tracks.motion import BackgroundMotion, motion_speed, motion_strength
from clipmill.annotations.tracks.schema import ObjectTracks
from clipmill.errors import ClipError
from clipmill.store.codecs import encode_array, encode_bits, encode_tracks
from clipmill.video import FrameSize
from clipmill.vision.arrays import Flags, Floats


@dataclass(frozen=True)
class AnchorObjects:
    """Objects of one anchor that are to be followed to frame `last` (clip index, inclusive)."""

    index: int
    last: int
    objects: tuple[DetectedObject, ...]


def anchors_to_follow(
    row: ObjectsRow, num_frames: int, *, horizon: int, min_frames_after: int
) -> tuple[AnchorObjects, ...]:
    """Return the anchors that have objects and leave more than the minimum of frames.

    Args:
        row: The objects of the clip.
        num_frames: Length of the clip.
        horizon: Frames to follow after an anchor.
        min_frames_after: An anchor must leave more frames than this, itself included.
    """
    return tuple(
        AnchorObjects(
            index=anchor.index,
            last=min(anchor.index + horizon, num_frames - 1),
            objects=anchor.objects,
        )
        for anchor in row.anchors
        if anchor.objects and num_frames - anchor.index > min_frames_after
    )


def decode_windows(
    item: ClipInput, anchors: Sequence[AnchorObjects], size: FrameSize
) -> Mapping[int, npt.NDArray[np.uint8]]:
    """Decode, in one pass, the frames that lie in some anchor's window.

    Returns:
        Clip index -> the frame at the given size.

    Raises:
        ClipError: A frame is missing.
    """
    wanted = {t for anchor in anchors for t in range(anchor.index, anchor.last + 1)}
    frames: dict[int, npt.NDArray[np.uint8]] = {}
    for start, end in _runs(sorted(wanted)):
        with item.open() as reader:
            for frame in reader.stream(
                item.clip.start + start, item.clip.start + end, sizes={"work": size}
            ):
                frames[frame.index - item.clip.start] = frame.images["work"]
    missing = wanted - frames.keys()
    if missing:
        raise ClipError(
            f"{item.video.uri}: frames {min(missing)} to {max(missing)} of {item.clip.clip_id} "
            "could not be decoded; the file is damaged there"
        )
    return frames


def _runs(frames: Sequence[int]) -> list[tuple[int, int]]:
    """Return the half-open runs of consecutive numbers in an ascending list."""
    runs: list[tuple[int, int]] = []
    for t in frames:
        if runs and runs[-1][1] == t:
            runs[-1] = (runs[-1][0], t + 1)
        else:
            runs.append((t, t + 1))
    return runs


def pack_object(
    found: DetectedObject,
    *,
    anchor: int,
    points: Floats,
    visible: Flags,
    error: Floats,
    survived: Flags,
    size: tuple[int, int],
    background: BackgroundMotion,
) -> ObjectTracks:
    """Return the row entry of one object.

    Args:
        found: The object.
        anchor: Clip index of the first row of `points`.
        points: [T, N, 2], x, y in source pixels.
        visible: bool [T, N]; points outside of the picture are made invisible here.
        error: [N], cycle error in source pixels.
        survived: bool [N].
        size: (width, height) of the source.
        background: The camera's homographies.
    """
    width, height = size
    visible = visible & inside(points, width=width, height=height)
    kept, seen = points[:, survived], visible[:, survived]
    speed = motion_speed(kept, seen, width=width, height=height)
    compensated = motion_speed(
        kept, seen, width=width, height=height, anchor=anchor, background=background
    )
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
        motion_speed=speed,
        motion_compensated=compensated,
        visible_share=float(seen.mean()) if seen.size else 0.0,
    )


def to_working(points: Floats, scale: Floats) -> Floats:
    """Return source pixels as working pixels; whole numbers are pixel centres in both."""
    return (points + 0.5) / scale - 0.5


def to_source(points: Floats, scale: Floats) -> Floats:
    """Undo `to_working`."""
    return (points + 0.5) * scale - 0.5


def inside(points: Floats, *, width: int, height: int) -> Flags:
    """Return which points [..., 2] lie in a picture, bool [...]."""
    within = (points >= -0.5) & (points <= (width - 0.5, height - 0.5))
    return np.asarray(within.all(axis=-1), bool)
