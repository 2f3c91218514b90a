"""Frame-In / Frame-Out: masks over time, identity images, regions."""

from dataclasses import dataclass


@dataclass(frozen=True)
class IdentityImage:
    """An object cut out of a frame.

    Attributes:
        frame: Frame index from the clip's start.
        box: x0, y0, x1, y1 in source pixels, half-open; the image is exactly this cut.
        png: RGB PNG at source resolution, black where the mask is 0.
    """

    frame: int
    box: tuple[int, ...]
    png: bytes


@dataclass(frozen=True)
class Region:
    """A canvas the object is outside of at the anchor, and enters or passes later.

    Attributes:
        box: x0, y0, x1, y1 in source pixels, half-open.
        aspect: Name of its aspect ratio, `16:9`.
        area: Pixels.
        enter_frame: First frame (clip index) at which the object is inside, None if never.
        exit_frame: First frame after that at which it is outside again, None if it stays.
    """

    box: tuple[int, ...]
    aspect: str
    area: int
    enter_frame: int | None
    exit_frame: int | None


@dataclass(frozen=True)
class ObjectInOut:
    """Masks, identity and regions of one object.

    Attributes:
        object_id: The object.
        anchor: Frame index from the clip's start.
        first_frame: Clip index of the first mask; <= anchor, as masks are carried backwards
            too, to find the entry.
        masks: One `encode_mask` blob per frame from `first_frame` on; an empty mask where the
            object is not seen.
        boxes: `encode_array` int32 [T, 4]: x0, y0, x1, y1 in source pixels, half-open; zeros
            where the mask is empty.
        mask_confidence: Mean agreement of masks with tracks, [0, 1].
        enter_frame: First frame (clip index) at which the object is in the image, when it came
            in after the first frame looked at; None if it was there from the beginning.
        exit_frame: First frame at which it has left the image for good; None if it stays.
        stretches: `encode_array` int32 [S, 2]: half-open frame ranges (clip indices) in which the
            object is seen, ascending: it may leave, be hidden and come back any number of times.
        point_valid: `encode_bits` [N] over the points of the tracks: stays on the mask
            whenever it is visible.
        invalid_share: Share of points that do not.
        largest_share: Largest area of its box over the frame's, [0, 1].
        refusal: Why it cannot serve stage 2: empty when it can, else `too_small`,
            `points_disagree`, `no_region`, `lost_at_anchor`, `mask_lost`.
        reference: Main identity image, from the anchor or the first frame that counts; None
            when refused before.
        others: Further identity images, from other frames.
        regions: Up to the kept number, largest last.
    """

    object_id: str
    anchor: int
    first_frame: int
    masks: tuple[bytes, ...]
    boxes: bytes
    mask_confidence: float
    enter_frame: int | None
    exit_frame: int | None
    stretches: bytes
    point_valid: bytes
    invalid_share: float
    largest_share: float
    refusal: str
    reference: IdentityImage | None
    others: tuple[IdentityImage, ...]
    regions: tuple[Region, ...]


@dataclass(frozen=True)
class InOutRow:
    """The kept objects of a clip, in the order of the tracks row.

    Attributes:
        objects: One entry per object of the tracks row that the selections before have kept.
        num_accepted: Objects without a refusal.
    """

    objects: tuple[ObjectInOut, ...]
    num_accepted: int
