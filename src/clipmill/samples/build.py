"""Putting the annotations of a clip together into samples."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.caption.schema import CaptionRow
from clipmill.annotations.inout.schema import InOutRow, ObjectInOut
from clipmill.annotations.objects.schema import DetectedObject, ObjectsRow
from clipmill.annotations.probe.schema import ProbeRow
from clipmill.annotations.tracks.schema import ObjectTracks, TracksRow
from clipmill.clips import Clip, Video, anchor_id_for, text_id_for
from clipmill.review.state import ClipReview
from clipmill.samples.reviewed import reviewed_objects, sample_review
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.store.codecs import (
    decode_array,
    decode_bits,
    decode_tracks,
    encode_bits,
    encode_tracks,
)

_MOSTLY_SEEN = 2 / 3
"""Share of the fewest frames of stage 2 in which an accepted object must be seen."""


@dataclass(frozen=True)
class ClipAnnotations:
    """The rows of one clip that samples are made of; those with a default may be absent."""

    probe: ProbeRow
    objects: ObjectsRow
    tracks: TracksRow
    caption: CaptionRow | None = None
    inout: InOutRow | None = None
    camera: CameraRow | None = None


@dataclass(frozen=True)
class SampleLimits:
    """Frames from the anchor on that each training stage needs.

    Attributes:
        stage1_min_frames: For motion training.
        stage2_min_frames: For Frame-In / Frame-Out training.
        tail_frames: Frames kept after the last one in which a kept object is seen.
    """

    stage1_min_frames: int = 1
    stage2_min_frames: int = 97
    tail_frames: int = 8


def build_samples(
    *,
    video: Video,
    clip: Clip,
    rows: ClipAnnotations,
    kept_objects: Collection[str] | None,
    limits: SampleLimits,
    non_commercial: tuple[str, ...] = (),
    review: ClipReview | None = None,
) -> Iterator[SampleRow]:
    """Yield one sample per anchor that has a kept, tracked object.

    Args:
        video: The source file.
        clip: The clip.
        rows: Its annotations.
        kept_objects: Object ids that every selection kept; all when None.
        limits: Frame counts the stages need.
        non_commercial: Model weights whose licence forbids commercial use.
        review: What people said of the clip: their captions go before all others, and objects that
            they dropped are left out.
    """
    review = review or ClipReview(clip)
    dropped = reviewed_objects(review, rows.objects, rows.tracks)
    tracks = {entry.object_id: entry for entry in rows.tracks.objects}
    inout = {entry.object_id: entry for entry in rows.inout.objects} if rows.inout else {}
    captions = _captions(rows.caption)
    for anchor in rows.objects.anchors:
        objects = tuple(
            _sample_object(found, tracks[found.object_id], inout.get(found.object_id))
            for found in anchor.objects
            if found.object_id in tracks
            and found.object_id not in dropped
            and (kept_objects is None or found.object_id in kept_objects)
            and decode_bits(tracks[found.object_id].survived).any()
        )
        if not objects:
            continue
        num_frames = _length(objects, inout, clip.num_frames - anchor.index, limits)
        reason = _stage2_reason(objects, num_frames, limits.stage2_min_frames, rows.inout)
        said = review.caption_at(clip.start + anchor.index)
        sample = SampleRow(
            sample_id=anchor_id_for(clip.clip_id, anchor.index),
            clip_id=clip.clip_id,
            video_id=clip.video_id,
            source=video.source,
            uri=video.uri,
            relative_path=video.relative_path,
            start=clip.start,
            end=clip.end,
            anchor=anchor.index,
            num_frames=num_frames,
            width=rows.probe.width,
            height=rows.probe.height,
            fps=rows.probe.fps,
            caption=said.value if said else captions.get(anchor.index, ""),
            caption_origin="review" if said else rows.caption.origin if rows.caption else "",
            objects=objects,
            num_objects=len(objects),
            stage1=num_frames >= limits.stage1_min_frames,
            stage2=not reason,
            stage2_reason=reason,
            non_commercial=non_commercial,
            given=text_id_for(video.text),
            review=sample_review(review),
        )
        yield sample if sample.caption else _with_template(sample, rows)


def _length(
    objects: tuple[SampleObject, ...],
    inout: Mapping[str, ObjectInOut],
    available: int,
    limits: SampleLimits,
) -> int:
    """Return the frames of a sample: it ends a little after the last kept object has gone.

    An object that is still seen in the last frame that was tracked has not gone. Where one that
    serves stage 2 is seen for most of the frames that stage 2 needs, frames in which it is gone or
    lost fill up the rest.
    """
    last = 0
    for entry in objects:
        seen = _per_frame(decode_bits(entry.visibility))
        found = inout.get(entry.object_id)
        if found is not None:
            there = _per_frame(decode_array(found.boxes)[found.anchor - found.first_frame :])
            seen[: len(there)] |= there[: len(seen)]
        frames = np.flatnonzero(seen)
        if not len(frames):
            continue
        still_there = frames[-1] == len(seen) - 1
        last = max(last, available if still_there else int(frames[-1]) + 1 + limits.tail_frames)
    if any(entry.stage2 for entry in objects) and last >= _MOSTLY_SEEN * limits.stage2_min_frames:
        last = max(last, limits.stage2_min_frames)
    return min(available, max(1, last))


def _per_frame(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return in which frames [T, N] anything is true, bool [T]."""
    return np.asarray(values.any(axis=1), bool)


def _captions(row: CaptionRow | None) -> Mapping[int, str]:
    return {entry.anchor: entry.text for entry in row.captions} if row else {}


def _with_template(sample: SampleRow, rows: ClipAnnotations) -> SampleRow:
    """Caption a sample from its own objects; a pipeline without captions gets none."""
    if rows.caption is None:
        return sample
    from clipmill.samples.captions import template_caption  # and OpenCV, which looking needs not

    text = template_caption(sample, camera=rows.camera, inout=rows.inout)
    return replace(sample, caption=text, caption_origin="template")


def _sample_object(
    found: DetectedObject, track: ObjectTracks, inout: ObjectInOut | None
) -> SampleObject:
    use = decode_bits(track.survived)
    accepted = inout is not None and not inout.refusal
    if inout is not None and accepted:
        on_mask = use & decode_bits(inout.point_valid)
        use = on_mask if on_mask.any() else use
    points = decode_tracks(track.points)[:, use]
    visibility = decode_bits(track.visibility)[:, use]
    return SampleObject(
        object_id=found.object_id,
        class_name=found.class_name,
        area=found.area,
        box=found.box,
        mask=found.mask,
        points=encode_tracks(points.astype(np.float32)),
        visibility=encode_bits(visibility),
        motion_strength=track.motion_strength,
        motion_compensated=track.motion_compensated,
        stage2=accepted,
        refusal=inout.refusal if inout else "not examined",
        enter_frame=inout.enter_frame if inout else None,
        exit_frame=inout.exit_frame if inout else None,
        reference=inout.reference if inout and accepted else None,
        others=inout.others if inout and accepted else (),
        regions=inout.regions if inout and accepted else (),
    )


def _stage2_reason(
    objects: tuple[SampleObject, ...], num_frames: int, min_frames: int, inout: InOutRow | None
) -> str:
    if inout is None:
        return "no inout annotation"
    if num_frames < min_frames:
        return f"{num_frames} frames from the anchor on, {min_frames} needed"
    if not any(entry.stage2 for entry in objects):
        return "no accepted object: " + ", ".join(sorted({entry.refusal for entry in objects}))
    return ""
