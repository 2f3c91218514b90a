"""One sample as one row of the Frame In-N-Out loaders.

Those loaders use entry [0] of every list column and pair the columns by position. A row therefore
holds exactly one entry in each: one row per clip AND anchor, so that a caption, a track list and
an object list can never slide against each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.export.content.text import exported_text
from clipmill.export.index_files.consumer import Consumer
from clipmill.export.index_files.text_lists import dump, finite
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.store.codecs import decode_bits, decode_tracks

MAX_OBJECTS = 109
"""Objects the loaders have a colour for."""

STAGE2_FRAMES = 97
"""Frames from the anchor on that the stage-2 loader insists on: 49 at stride 2."""

STAGE2 = Consumer(
    "stage 2",
    min_frames=STAGE2_FRAMES,
    stage=2,
    remedy=f"--frames source keeps all frames, others need --max-frames {STAGE2_FRAMES} or more",
)
"""Frame-In / Frame-Out training."""

STAGE1_COLUMNS = (
    "ID",
    "sample_id",
    "video_path",
    "height",
    "width",
    "num_frames",
    "fps",
    "total_seconds",
    "valid_duration",
    "provided_text",
    "Structured_Text_Prompt",
    "caption_origin",
    "Panoptic_Segmentation",
    "Obj_Info",
    "Track_Traj",
    "Track_Visibility",
    "Motion_Strength",
    "Motion_Compensated",
    "source",
    "relative_path",
)
"""Columns of stage 1, in order; the scores of the annotations follow them."""

REVIEW_COLUMN = "The last column, `review`, has it as JSON; it is empty for the other samples."
"""There where people said something of samples, and only there."""

STAGE2_COLUMNS = (*STAGE1_COLUMNS, "ID_info")
"""Columns of stage 2."""


@dataclass(frozen=True)
class WholeVideo:
    """What a row says of the whole video.

    Attributes:
        path: Relative to the video root.
        num_frames: Of the whole file; None when it is not known any more.
        text: Caption that came with the data set; empty when there was none.
    """

    path: str
    num_frames: int | None
    text: str


def usable_objects(sample: SampleRow) -> tuple[SampleObject, ...]:
    """Return the objects with at least one point, in their order."""
    return tuple(entry for entry in sample.objects if decode_bits(entry.visibility).shape[1])


def identity_of(entry: SampleObject) -> bool:
    """Tell whether an object can be the identity of a stage-2 row."""
    return entry.stage2 and entry.reference is not None and bool(entry.regions)


def why_unusable(sample: SampleRow, objects: Sequence[SampleObject], *, stage: int) -> str:
    """Return why the loader of a stage would fail on a sample; empty when it would not."""
    if not objects:
        return "no object with a point"
    if len(objects) > MAX_OBJECTS:
        return f"{len(objects)} objects, the loader takes at most {MAX_OBJECTS}"
    if stage == 1:
        return ""
    if sample.num_frames < STAGE2_FRAMES:
        return f"{sample.num_frames} frames from the anchor on, the loader needs {STAGE2_FRAMES}"
    if not any(identity_of(entry) for entry in objects):
        return "no object with an identity image and a region"
    return ""


def tracks_over_clip(
    sample: SampleRow, entry: SampleObject
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return an object's tracks over every frame of the clip.

    Before the anchor the anchor's positions stand, behind the end of the tracks the last ones;
    nothing is visible there.

    Returns:
        Points int64 [clip frames, N, 2], x, y in source pixels, rounded to the nearest pixel,
        and visibility bool [clip frames, N].
    """
    length = sample.end - sample.start
    points = decode_tracks(entry.points)
    seen = decode_bits(entry.visibility)
    frames = np.arange(length) - sample.anchor
    within = (frames >= 0) & (frames < len(points))
    points = points[np.clip(frames, 0, len(points) - 1)]
    seen = seen[np.clip(frames, 0, len(seen) - 1)] & within[:, None]
    return np.rint(points).astype(np.int64), seen


def stage1_row(
    sample: SampleRow, objects: Sequence[SampleObject], video: WholeVideo
) -> dict[str, Any]:
    """Return the stage-1 columns of a sample.

    Args:
        sample: The sample.
        objects: Its usable objects; object k is item k of every object list.
        video: Facts of the whole file.
    """
    tracks = [tracks_over_clip(sample, entry) for entry in objects]
    count = video.num_frames
    return {
        "sample_id": sample.sample_id,
        "video_path": video.path,
        "height": sample.height,
        "width": sample.width,
        "num_frames": "" if count is None else count,
        "fps": sample.fps,
        "total_seconds": "" if count is None or not sample.fps else count / sample.fps,
        "valid_duration": dump([sample.start, sample.end]),
        "provided_text": exported_text(video.text),
        "Structured_Text_Prompt": dump([exported_text(sample.caption)]),
        "caption_origin": sample.caption_origin,
        "Panoptic_Segmentation": dump([_panoptic(sample, objects, tracks)]),
        "Obj_Info": dump([[[entry.class_name, sample.anchor] for entry in objects]]),
        "Track_Traj": dump([[points.tolist() for points, _ in tracks]]),
        "Track_Visibility": dump([[seen.tolist() for _, seen in tracks]]),
        "Motion_Strength": dump([finite(entry.motion_strength) for entry in objects]),
        "Motion_Compensated": dump([finite(entry.motion_compensated) for entry in objects]),
        "source": sample.source,
        "relative_path": sample.relative_path,
    }


def _panoptic(
    sample: SampleRow,
    objects: Sequence[SampleObject],
    tracks: Sequence[tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]],
) -> list[Any]:
    """One entry `[start, [[segment id, class, [[y, x], ...]], ...]]`; y first, as published."""
    segments = [
        [number, entry.class_name, points[sample.anchor, :, ::-1].tolist()]
        for number, (entry, (points, _)) in enumerate(zip(objects, tracks, strict=True), start=1)
    ]
    return [sample.anchor, segments]


def review_cell(said: Mapping[str, Any] | None) -> str:
    """Return the column `review`: what people said as JSON; empty where nobody said anything."""
    return "" if said is None else dump(dict(said))


def identity_column(objects: Sequence[SampleObject], images: Mapping[str, Sequence[str]]) -> str:
    """Return the column `ID_info`.

    Args:
        objects: The usable objects of the sample.
        images: Paths relative to the ID root by object id, the main reference first.
    """
    return dump([[_identity(entry, images.get(entry.object_id, ())) for entry in objects]])


def _identity(entry: SampleObject, paths: Sequence[str]) -> list[Any]:
    if not identity_of(entry) or not paths:
        return []
    assert entry.reference is not None
    regions = []
    for region in entry.regions:
        x0, y0, x1, y1 = region.box
        regions.append([(x1 - x0) * (y1 - y0), [x0, y0], [x1, y1]])
    return [[list(entry.reference.box), paths[0], list(paths[1:])], regions]
