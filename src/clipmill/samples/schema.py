"""One sample is what a training step reads."""

from dataclasses import dataclass

from clipmill.annotations.inout.schema import IdentityImage, Region


@dataclass(frozen=True)
class SampleObject:
    """A kept object of a sample.

    Attributes:
        object_id: The object.
        class_name: COCO class name, or `object`.
        area: Share of the frame its mask covers at the anchor, [0, 1].
        box: x0, y0, x1, y1 at the anchor, source pixels, half-open.
        mask: `encode_mask` blob at the anchor, at the working size of the segmentation.
        points: `encode_tracks` [T, N, 2], x, y in source pixels, frames [anchor, anchor + T);
            only points that survived the cycle check and, for accepted stage-2 objects, stay on
            the mask.
        visibility: `encode_bits` [T, N].
        motion_strength: See the tracks annotation.
        motion_compensated: See the tracks annotation.
        stage2: Whether it can be the identity of a stage-2 sample.
        refusal: Why not, empty when it can.
        enter_frame: First frame (clip index) in the image, if it came in later.
        exit_frame: First frame at which it has left the image, if it did.
        reference: Main identity image.
        others: Further identity images.
        regions: Frame-In / Frame-Out regions, largest last.
    """

    object_id: str
    class_name: str
    area: float
    box: tuple[float, ...]
    mask: bytes
    points: bytes
    visibility: bytes
    motion_strength: float
    motion_compensated: float
    stage2: bool
    refusal: str
    enter_frame: int | None
    exit_frame: int | None
    reference: IdentityImage | None
    others: tuple[IdentityImage, ...]
    regions: tuple[Region, ...]


@dataclass(frozen=True)
class SampleReview:
    """What people said of the clip of a sample: by the run that built it, or by its export.

    Attributes:
        verdict: `keep`, `drop`, `conflict`, or empty.
        star: Whether somebody starred it.
        tags: Tags, sorted.
        notes: Number of notes.
        who: Names of those who said it, sorted.
        when: The last moment at which they did, UTC; empty in rows of earlier versions.
    """

    verdict: str
    star: bool
    tags: tuple[str, ...]
    notes: int
    who: tuple[str, ...]
    when: str = ""


@dataclass(frozen=True)
class SampleRow:
    """A clip from one anchor on.

    Attributes:
        sample_id: `{clip_id}-a{anchor:05d}`.
        clip_id: The clip.
        video_id: The video.
        source: Name of the source, empty for an unnamed one.
        uri: Absolute path or URL of the video when it was listed.
        relative_path: Path relative to the source root.
        start: First frame of the clip in the video.
        end: One past its last frame.
        anchor: Where the sample begins, counted from the clip's start.
        num_frames: Frames from the anchor on, at most to the clip's end: a sample ends soon after
            the last of its objects has gone.
        width: Source pixels, as displayed.
        height: Source pixels, as displayed.
        fps: Frames per second.
        caption: Text of this anchor.
        caption_origin: `provided` (came with the data set), `model`, or `template` (composed of
            what was measured of the sample's objects and the camera), `review` (corrected by a
            person); empty without captions.
        objects: Kept objects, in the order of the objects annotation.
        num_objects: Their number.
        stage1: Ready for motion training.
        stage2: Ready for Frame-In / Frame-Out training.
        stage2_reason: Why it is not, empty when it is.
        non_commercial: Model weights behind the sample whose licence forbids commercial use.
        given: `text_id_for` of the text that came with the data set; empty for none.
        review: What people said of the clip; None where nobody said anything.
    """

    sample_id: str
    clip_id: str
    video_id: str
    source: str
    uri: str
    relative_path: str
    start: int
    end: int
    anchor: int
    num_frames: int
    width: int
    height: int
    fps: float
    caption: str
    caption_origin: str
    objects: tuple[SampleObject, ...]
    num_objects: int
    stage1: bool
    stage2: bool
    stage2_reason: str
    non_commercial: tuple[str, ...] = ()
    given: str = ""
    review: SampleReview | None = None
