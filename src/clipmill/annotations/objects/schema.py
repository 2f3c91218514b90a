"""Objects segmented at anchor frames, and carried through the clip."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DetectedObject:
    """One instance at an anchor.

    Attributes:
        object_id: `{clip_id}-a{anchor:05d}-o{n:02d}`.
        class_name: COCO class name, or `object` where the backend knows no classes.
        confidence: [0, 1]: how sure the backend is that this is one thing that moves on its own
            (of the thing itself, for backends that do not look at motion).
        area: Share of the frame its mask covers, [0, 1].
        box: x0, y0, x1, y1 of the mask in source pixels, half-open.
        mask: `encode_mask` blob; its grid covers the whole frame at the working size.
        points: `encode_array` float32 [N, 2], x, y in source pixels: K-means centres of the
            mask that lie inside it; the queries of the tracker.
        motion: Mean motion of the object against the background around the anchor, in pixels
            per frame at source size; None where the backend does not measure it.
        identity: Number of the object among `ObjectsRow.carried`: the same thing at another
            anchor has the same one. None where the backend carries no masks.
    """

    object_id: str
    class_name: str
    confidence: float
    area: float
    box: tuple[float, ...]
    mask: bytes
    points: bytes
    motion: float | None
    identity: int | None = None


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
class CarriedObject:
    """Masks of one thing over time: present, gone, and present again, any number of times.

    Attributes:
        identity: Its number, its place in `ObjectsRow.carried`.
        first_frame: Clip index of the first mask.
        masks: One `encode_mask` blob per frame from `first_frame` on, at the working size; an
            empty mask where the thing is not seen.
        confidence: `encode_array` float16 [T]: how sure each mask is, [0, 1].
        motion: Mean motion against the background at the frames where it was looked at, source
            pixels per frame; None where it could not be measured.
    """

    identity: int
    first_frame: int
    masks: tuple[bytes, ...]
    confidence: bytes
    motion: float | None


@dataclass(frozen=True)
class ObjectsRow:
    """Anchors of a clip and their objects; the counts are for selections.

    Attributes:
        anchors: In frame order.
        num_anchors: Anchors with at least one object.
        num_objects: Objects over all anchors.
        carried: Masks over time, for backends that carry them; empty otherwise.
    """

    anchors: tuple[Anchor, ...]
    num_anchors: int
    num_objects: int
    carried: tuple[CarriedObject, ...] = ()
