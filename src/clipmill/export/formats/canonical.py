"""Canonical (F0): everything a sample has, in open formats; the source of all others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from clipmill.export.content.pieces import Member, Piece
from clipmill.export.content.reviews import described_review
from clipmill.export.content.sample import ExportSample
from clipmill.export.formats.base import Format, FormatOptions
from clipmill.export.index_files.rows import CreateText, Rows
from clipmill.export.index_files.text_lists import dump, finite, write_jsonl
from clipmill.export.render.clip_video import video_member
from clipmill.export.render.identity_image import identity_files
from clipmill.manifest.canonical import (
    CANONICAL,
    IMAGES,
    OBJECT_ID,
    TRACKS,
    VISIBILITY,
    CanonicalRow,
    DescribedObject,
    DescribedSample,
    arrays_name,
    description_name,
    masks_name,
    video_name,
)
from clipmill.manifest.names import SPREAD_KEY
from clipmill.samples.schema import SampleObject
from clipmill.store.codecs import decode_bits, mask_to_coco

_CONVENTIONS = """\
## Files of a sample
- `videos/`: the sample's frames at a constant rate.
- `arrays/*.npz`: `tracks` float32 [T, N, 2], x, y in pixels of the video; `visibility` bool
  [T, N]; `object_id` [N], the object of each point; `frame_seconds` float64 [T], k / fps;
  `source_frame` int64 [T], the frame of the source video that is shown, counted from 0 in
  presentation order; `frame_pts` int64 [T], its time in ticks of the source file (`time_base` in
  the JSON file); with a camera annotation `world_to_camera` float64 [T, 4, 4] (OpenCV: x right,
  y down, z forward; the first is the identity; its translation is NaN, and never 0, from the first
  frame on whose place was not measured, as for a camera that shows no parallax), `intrinsics`
  float64 [T, 3, 3] in pixels, `metric_scale` bool (translations in metres, else up to scale),
  `focal_known` bool.
- `masks/*.json`: `{object id: [COCO RLE, ...]}`, one per frame, over the whole frame, at the
  resolution of the segmentation. Only for samples whose masks were carried through the clip.
- `identity/OBJECT/0.png` and further: the object cut out at source resolution, RGB, black where
  the mask is 0.
- `samples/*.json`: caption, objects with boxes, identity images and regions, scores, origin;
  `review` where people said something of the clip: verdict, star, tags, number of notes, names.

## Objects
- Points that survived the check forward and back; positions outside the picture are kept, unseen.
- `tracked_frames`: frames from the first on that tracks were computed for; behind them the points
  of the object stand still, unseen.
- `enter_frame`, `exit_frame` and the frames of identity images count in frames of the export; -1
  is before its first frame, T behind its last; null where it does not happen.
- At frame 0 no pixel of an object lies in its own regions. `area` of an object is a share of the
  source frame, of a region pixels.
- `stage2` says whether an object can be the identity of Frame-In / Frame-Out training, and
  `refusal` why it cannot. `scores` are measurements, not verdicts: what is in the data set has
  passed the pipeline's selections.
"""


class Canonical(Format[FormatOptions]):
    """One video, one npz, one JSON file per sample, with masks and identity images."""

    name: ClassVar[str] = CANONICAL
    summary: ClassVar[str] = "Everything a sample has: mp4, npz, COCO masks, PNG, JSON."
    owned: ClassVar = {
        "videos": rf"{SPREAD_KEY}\.mp4",
        "arrays": rf"{SPREAD_KEY}\.npz",
        "masks": rf"{SPREAD_KEY}\.json",
        "samples": rf"{SPREAD_KEY}\.json",
        "identity": rf"{SPREAD_KEY}-o\d+/\d+\.png",
    }

    def pieces(self, sample: ExportSample, scratch: Path) -> Iterator[Piece]:
        """Yield the one piece of a sample."""
        key = sample.sample_id
        path = video_name(key).path
        members = [video_member(sample, scratch, path=path, options=self.options)]
        arrays = scratch / "arrays.npz"
        np.savez_compressed(arrays, allow_pickle=False, **_arrays(sample))
        members.append(Member(*arrays_name(key), arrays))
        if sample.masks:
            masks = scratch / "masks.json"
            masks.write_text(dump({k: list(map(_coco, v)) for k, v in sample.masks.items()}))
            members.append(Member(*masks_name(key), masks))
        images: dict[str, list[str]] = {}
        for entry in sample.row.objects:
            found = list(identity_files(entry, scratch, folder=IMAGES))
            images[entry.object_id] = [member.path for member in found]
            members += found
        described = scratch / "sample.json"
        described.write_text(dump(_described(sample, images, members)))
        members.append(Member(*description_name(key), described))
        yield Piece(key, tuple(members), dict(_index_row(sample)))

    def write_indices(self, rows: Rows, create: CreateText) -> None:
        """Write `samples.jsonl`, one line per sample."""
        write_jsonl(create, "samples.jsonl", rows())

    def conventions(self) -> str:
        """Return what arrays, masks and images mean."""
        return _CONVENTIONS


def _coco(blob: bytes) -> dict[str, Any]:
    mask = mask_to_coco(blob)
    return {"size": mask["size"], "counts": mask["counts"].decode("ascii")}


def _arrays(sample: ExportSample) -> dict[str, np.ndarray]:
    objects = sample.row.objects
    tracks = [sample.tracks(entry) for entry in objects]
    names = [entry.object_id for entry, found in zip(objects, tracks, strict=True)
             for _ in range(found.shape[1])]  # fmt: skip
    arrays: dict[str, np.ndarray] = {
        TRACKS: np.concatenate(tracks, axis=1),
        VISIBILITY: np.concatenate([sample.visibility(entry) for entry in objects], axis=1),
        OBJECT_ID: np.array(names),
        "frame_seconds": np.arange(sample.num_frames) / float(sample.timeline.fps),
        "source_frame": sample.timeline.shown,
        "frame_pts": sample.timeline.source_pts,
    }
    if sample.camera is not None:
        arrays |= {
            "world_to_camera": sample.camera.world_to_camera,
            "intrinsics": sample.camera.intrinsics,
            "metric_scale": np.array(sample.camera.metric),
            "focal_known": np.array(sample.camera.focal_known),
        }
    return arrays


def _index_row(sample: ExportSample) -> CanonicalRow:
    row = sample.row
    return {
        "sample_id": row.sample_id,
        "video": video_name(row.sample_id).path,
        "arrays": arrays_name(row.sample_id).path,
        "masks": masks_name(row.sample_id).path if sample.masks else None,
        "sample": description_name(row.sample_id).path,
        **sample.listed,
        "num_objects": row.num_objects,
        "stage1": row.stage1,
        "stage2": row.stage2,
    }


def _described(
    sample: ExportSample, images: dict[str, list[str]], members: list[Member]
) -> DescribedSample:
    row, origin = sample.row, sample.origin
    found: DescribedSample = {
        "sample_id": row.sample_id,
        "clip_id": row.clip_id,
        "video_id": row.video_id,
        "caption": row.caption,
        "caption_origin": row.caption_origin,
        "provided_text": sample.text,
        "num_frames": row.num_frames,
        "fps": row.fps,
        "fps_exact": str(sample.timeline.fps),
        "width": row.width,
        "height": row.height,
        "stage1": row.stage1,
        "stage2": row.stage2,
        "stage2_reason": row.stage2_reason,
        "non_commercial": list(row.non_commercial),
        "objects": [
            _described_object(
                entry, images[entry.object_id], tracked_frames=_tracked_frames(sample, entry)
            )
            for entry in row.objects
        ],
        "scores": {name: finite(value) for name, value in sample.scores.items()},
        "files": [member.path for member in members],
        "origin": {
            "source": origin.source,
            "relative_path": origin.relative_path,
            "start": origin.start,
            "end": origin.end,
            "anchor": origin.anchor,
            "width": origin.width,
            "height": origin.height,
            "fps": origin.fps,
            "time_base": str(sample.timeline.time_base),
            "scaled": list(sample.placement.scaled),
            "cut_offset": list(sample.placement.offset),
        },
    }
    if row.review is not None:
        found["review"] = described_review(row.review)
    return found


def _tracked_frames(sample: ExportSample, entry: SampleObject) -> int:
    """Return how many frames of the export show frames that the object was tracked over."""
    origin = sample.origin
    (tracked,) = {
        len(decode_bits(found.visibility))
        for found in origin.objects
        if found.object_id == entry.object_id
    }
    return int((sample.timeline.shown < origin.start + origin.anchor + tracked).sum())


def _described_object(
    entry: SampleObject, images: list[str], *, tracked_frames: int
) -> DescribedObject:
    pictures = (entry.reference, *entry.others) if entry.reference else ()
    return {
        "object_id": entry.object_id,
        "class_name": entry.class_name,
        "tracked_frames": tracked_frames,
        "area": entry.area,
        "box": list(entry.box),
        "mask": _coco(entry.mask),
        "motion_strength": finite(entry.motion_strength),
        "motion_compensated": finite(entry.motion_compensated),
        "stage2": entry.stage2,
        "refusal": entry.refusal,
        "enter_frame": entry.enter_frame,
        "exit_frame": entry.exit_frame,
        "identity": [
            {"path": path, "frame": image.frame, "box": list(image.box)}
            for path, image in zip(images, pictures, strict=True)
        ],
        "regions": [
            {
                "box": list(region.box),
                "aspect": region.aspect,
                "area": region.area,
                "enter_frame": region.enter_frame,
                "exit_frame": region.exit_frame,
            }
            for region in entry.regions
        ],
    }
