"""The schema of a canonical export: its exporter writes by it, training reads by it.

Docs/exports.md tells what the numbers mean. A sample is one piece, its key is the sample's id.
"""

from typing import Any, NotRequired, TypedDict

from clipmill.manifest.names import FileName, identity_name, spread

CANONICAL = "canonical"
"""Name of the format."""

IMAGES = "identity"
"""Folder of the identity images."""

TRACKS, VISIBILITY, OBJECT_ID = "tracks", "visibility", "object_id"
"""Arrays: float32 [T, N, 2], x, y in pixels of the video; bool [T, N]; text [N]."""


class CanonicalRow(TypedDict):
    """A sample in `samples.jsonl`, and in the manifest; files are named by their paths."""

    sample_id: str
    video: str
    arrays: str
    masks: str | None
    sample: str
    caption: str
    caption_origin: str
    num_frames: int
    fps: float
    width: int
    height: int
    num_objects: int
    stage1: bool
    stage2: bool
    review: NotRequired["DescribedReview"]  # where somebody said something


class DescribedReview(TypedDict):
    """What people said of the clip: their verdict, star, tags, number of notes, names, and when.

    In the rows of every format, and in the JSON file of a sample.
    """

    verdict: str
    star: bool
    tags: list[str]
    notes: int
    who: list[str]
    when: NotRequired[str]  # UTC, the last moment; not in the first exports


class DescribedImage(TypedDict):
    """An identity image; `frame` counts in frames of the export, `box` is half-open."""

    path: str
    frame: int
    box: list[int]


class DescribedRegion(TypedDict):
    """A region of an object, in pixels of the video."""

    box: list[int]
    aspect: str
    area: int
    enter_frame: int | None
    exit_frame: int | None


class DescribedObject(TypedDict):
    """An object in the JSON file of a sample."""

    object_id: str
    class_name: str
    tracked_frames: NotRequired[int]  # not in the first exports
    area: float
    box: list[float]
    mask: dict[str, Any]
    motion_strength: float | None
    motion_compensated: float | None
    stage2: bool
    refusal: str
    enter_frame: int | None
    exit_frame: int | None
    identity: list[DescribedImage]
    regions: list[DescribedRegion]


class DescribedOrigin(TypedDict):
    """Where a sample comes from, and how its pictures were moved."""

    source: str
    relative_path: str
    start: int
    end: int
    anchor: int
    width: int
    height: int
    fps: float
    time_base: str
    scaled: list[int]
    cut_offset: list[int]


class DescribedSample(TypedDict):
    """The JSON file of a sample."""

    sample_id: str
    clip_id: str
    video_id: str
    caption: str
    caption_origin: str
    provided_text: str
    num_frames: int
    fps: float
    fps_exact: str
    width: int
    height: int
    stage1: bool
    stage2: bool
    stage2_reason: str
    non_commercial: list[str]
    objects: list[DescribedObject]
    scores: dict[str, float | None]
    files: list[str]
    origin: DescribedOrigin
    review: NotRequired[DescribedReview]  # where somebody said something


def video_name(sample_id: str) -> FileName:
    """Return what the video of a sample is called."""
    return FileName("mp4", f"videos/{spread(sample_id, sample_id)}.mp4")


def arrays_name(sample_id: str) -> FileName:
    """Return what the npz file of a sample is called."""
    return FileName("npz", f"arrays/{spread(sample_id, sample_id)}.npz")


def masks_name(sample_id: str) -> FileName:
    """Return what the file of the masks over time is called; not every sample has one."""
    return FileName("masks.json", f"masks/{spread(sample_id, sample_id)}.json")


def description_name(sample_id: str) -> FileName:
    """Return what the JSON file of a sample is called; it holds a `DescribedSample`."""
    return FileName("json", f"samples/{spread(sample_id, sample_id)}.json")


def image_name(object_id: str, number: int) -> FileName:
    """Return what an identity image of an object is called; 0 is the main one."""
    return identity_name(object_id, number, folder=IMAGES)
