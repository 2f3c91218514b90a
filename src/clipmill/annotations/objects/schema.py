"""Objects segmented at anchor frames."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DetectedObject:
    """One instance at an anchor.

    Attributes:
        object_id: `{clip_id}-a{anchor:05d}-o{n:02d}`.
        class_name: COCO class name, or `object` where the backend knows no classes.
        confidence: [0, 1]; for the embedded backend, how clearly it moves on its own.
        area: Share of the frame its mask covers, [0, 1].
        box: x0, y0, x1, y1 of the mask in source pixels, half-open.
        mask: `encode_mask` blob; its grid covers the whole frame at the working size.
        points: `encode_array` float32 [N, 2], x, y in source pixels: K-means centres of the
            mask that lie inside it; the queries of the tracker.
        motion: Mean motion of the object against the background around the anchor, in pixels
            per frame at source size; None where the backend does not measure it.
    """

    object_id: str
    class_name: str
    confidence: float
    area: float
    box: tuple[float, ...]
    mask: bytes
    points: bytes
    motion: float | None


@dataclass(frozen=True)
class Anchor:
    """A frame where objects were looked for.

    Attributes:
        index: Frame, counted from the clip's start.
        objects: What was found, largest first; may be empty.
    """

    index: int
    objects: tuple[DetectedObject, ...]


@dataclass(frozen=True)
class ObjectsRow:
    """Anchors of a clip and their objects; the counts are for selections.

    Attributes:
        anchors: In frame order.
        num_anchors: Anchors with at least one object.
        num_objects: Objects over all anchors.
    """

    anchors: tuple[Anchor, ...]
    num_anchors: int
    num_objects: int
