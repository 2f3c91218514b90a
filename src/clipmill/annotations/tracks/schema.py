"""Point tracks of objects."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ObjectTracks:
    """Tracks of one object from its anchor on.

    T frames [anchor, anchor + T) of the clip, N points, the queries of the object in order.

    Attributes:
        object_id: The object.
        anchor: Frame index from the clip's start.
        num_frames: T.
        num_points: N, lost points included.
        points: `encode_tracks` [T, N, 2], x, y in source pixels.
        visibility: `encode_bits` [T, N]; False where a point is hidden or out of the frame.
        cycle_error: `encode_array` float32 [N]: distance in source pixels at the anchor
            between a query and its track carried forward and back again.
        survived: `encode_bits` [N]: points whose cycle error is within the limit.
        survival: Share of points that survived, [0, 1].
        motion_strength: The reference's measure over surviving points: straight distance from
            first to last frame / frames * 100000 / (height * width). Depends on resolution.
        motion_speed: Mean path length per frame over surviving points, in permille of the
            frame's diagonal.
        motion_compensated: The same after the camera's own motion (background homography) is
            taken out.
        visible_share: Mean of visibility over surviving points.
    """

    object_id: str
    anchor: int
    num_frames: int
    num_points: int
    points: bytes
    visibility: bytes
    cycle_error: bytes
    survived: bytes
    survival: float
    motion_strength: float
    motion_speed: float
    motion_compensated: float
    visible_share: float


@dataclass(frozen=True)
class TracksRow:
    """Tracks of all objects of a clip, in the order of the objects row.

    Attributes:
        objects: One entry per object whose anchor leaves more than the minimum of frames.
        num_objects: Their number.
    """

    objects: tuple[ObjectTracks, ...]
    num_objects: int
