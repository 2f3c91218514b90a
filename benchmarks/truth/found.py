"""What a workspace says of each video, with frames counted from the start of the video."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.annotations.inout.schema import ObjectInOut
from clipmill.annotations.objects.schema import DetectedObject
from clipmill.annotations.shots.boundaries import cuts_from_scores
from clipmill.clips import Clip
from clipmill.config import ShotsSplit
from clipmill.pipeline.context import Context
from clipmill.pipeline.recorded.last_run import last_run
from clipmill.samples.table import read_samples
from clipmill.store.codecs import decode_array, decode_bits, decode_mask, decode_tracks
from clipmill.store.workspace import Workspace

Mask = npt.NDArray[np.bool_]


@dataclass
class FoundObject:
    """An object at an anchor, and what was made of it.

    Attributes:
        object_id: Its id.
        anchor: Frame.
        mask: bool [H, W] at source size.
        points: float32 [T, N, 2], x, y in source pixels from the anchor on; None without tracks.
        visible: bool [T, N].
        masks: Carried masks by frame, bool [H, W] at source size.
        enter: Frame at which it came in.
        exit: Frame at which it had left.
    """

    object_id: str
    anchor: int
    mask: Mask
    points: npt.NDArray[np.float32] | None = None
    visible: npt.NDArray[np.bool_] | None = None
    masks: dict[int, Mask] = field(default_factory=dict)
    enter: int | None = None
    exit: int | None = None


@dataclass
class FoundVideo:
    """All that is known of a video.

    Attributes:
        size: (height, width).
        cuts: First frames of new shots.
        objects: At all anchors of all clips.
        cameras: Per clip: sampled frames int [T] and rotations [T, 3, 3], world to camera.
        samples: Number of its samples.
        stage2: Those for stage 2.
        sampled: Ids of the objects in them.
    """

    size: tuple[int, int] = (0, 0)
    cuts: list[int] = field(default_factory=list)
    objects: list[FoundObject] = field(default_factory=list)
    cameras: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = field(default_factory=list)
    samples: int = 0
    stage2: int = 0
    sampled: set[str] = field(default_factory=set)


def read_found(workspace: Workspace) -> dict[str, FoundVideo]:
    """Return what the last run of a workspace says: name of the file without suffix -> video.

    Raises:
        SystemExit: Nothing was run there.
    """
    last = last_run(workspace)
    if last is None:
        raise SystemExit(f"{workspace.root}: nothing was run here yet")
    context, listing = last
    found = {video.video_id: FoundVideo() for video in listing.videos}
    files = {video.file_id: video.video_id for video in listing.videos}
    for file_id, probe in _rows(context, "probe"):
        if file_id in files:
            found[files[file_id]].size = (probe.height, probe.width)
    _read_cuts(context, found)
    _read_objects(context, found)
    for clip, row in _clips(context, "camera", found):
        frames, rotations = decode_array(row.frames), decode_array(row.rotations)
        found[clip.video_id].cameras.append((clip.start + frames, rotations))
    for sample in read_samples(workspace):
        video = found[sample.video_id]
        video.samples += 1
        video.stage2 += sample.stage2
        video.sampled |= {one.object_id for one in sample.objects}
    return {Path(video.relative_path).stem: found[video.video_id] for video in listing.videos}


def _rows(context: Context, name: str) -> Iterable[tuple[str, Any]]:
    stage = context.stages.get(name)
    if stage is None:
        return []
    status = stage.table.status().to_pydict()
    pairs = zip(status["key"], status["status"], strict=True)
    return stage.table.read([key for key, state in pairs if state == "ok"]).items()


def _clips(
    context: Context, name: str, found: Mapping[str, FoundVideo]
) -> Iterable[tuple[Clip, Any]]:
    """Yield the rows of clips; a workspace may hold videos of earlier runs, which are left out."""
    for key, row in _rows(context, name):
        clip = Clip.parse(key)
        if clip.video_id in found:
            yield clip, row


def _read_cuts(context: Context, found: dict[str, FoundVideo]) -> None:
    splits = [step for step in context.pipeline.steps if isinstance(step, ShotsSplit)]
    chosen = splits[0].threshold if splits else None
    for clip, row in _clips(context, "shots", found):
        threshold = row.threshold if chosen is None else chosen
        scores = decode_array(row.scores)
        cuts = cuts_from_scores(scores, threshold=threshold, num_decoded=row.num_decoded)
        video = found[clip.video_id]
        video.cuts = sorted([*video.cuts, *(clip.start + cut for cut in cuts)])


def _read_objects(context: Context, found: dict[str, FoundVideo]) -> None:
    tracks = {one.object_id: one for _, row in _rows(context, "tracks") for one in row.objects}
    inout = {one.object_id: one for _, row in _rows(context, "inout") for one in row.objects}
    for clip, row in _clips(context, "objects", found):
        video = found[clip.video_id]
        for anchor in row.anchors:
            for detected in anchor.objects:
                one = _found_object(detected, clip.start + anchor.index, video.size)
                if one.object_id in tracks:
                    one.points = decode_tracks(tracks[one.object_id].points)
                    one.visible = decode_bits(tracks[one.object_id].visibility)
                if one.object_id in inout:
                    _add_passage(one, inout[one.object_id], clip, video.size)
                video.objects.append(one)


def _found_object(detected: DetectedObject, anchor: int, size: tuple[int, int]) -> FoundObject:
    return FoundObject(detected.object_id, anchor, decode_mask(detected.mask, size=size))


def _add_passage(one: FoundObject, passage: ObjectInOut, clip: Clip, size: tuple[int, int]) -> None:
    if not passage.masks:
        return
    first = clip.start + passage.first_frame
    one.masks = {first + n: decode_mask(blob, size=size) for n, blob in enumerate(passage.masks)}
    one.enter = None if passage.enter_frame is None else clip.start + passage.enter_frame
    one.exit = None if passage.exit_frame is None else clip.start + passage.exit_frame
