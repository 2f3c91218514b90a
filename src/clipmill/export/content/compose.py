"""From a sample of the workspace and the annotations of its clip to what is exported."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.inout.schema import InOutRow
from clipmill.errors import ClipError
from clipmill.export.content.camera import camera_path
from clipmill.export.content.profile import FrameProfile
from clipmill.export.content.resample import Move, move_masks, move_object
from clipmill.export.content.sample import CameraPath, ExportSample
from clipmill.export.content.text import exported_text
from clipmill.export.content.timeline import Timeline, allowed_count, make_timeline, native_rate
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.store.codecs import decode_array, decode_bits, decode_tracks
from clipmill.video import FrameIndex, index_video


class LeftOutError(ClipError):
    """A sample that cannot be exported as asked; the text is the reason."""

    kind = "left_out"


@dataclass(frozen=True)
class SampleInputs:
    """What the workspace knows of a sample beyond its row.

    Attributes:
        index: Frame index of the video; None when the workspace has none.
        size_bytes: Size of the video when it was listed; None when not known.
        video_id: Name of its content; empty when the last run did not list it.
        stamp: Its stamp when it was listed, see `Video.stamp`; empty when not known.
        camera: Camera annotation of the clip.
        inout: Masks over time of the clip.
        text: Caption that came with the data set.
        scores: Numbers of the clip by `annotation.column`.
        colours: Those that the video names, in one line; empty when the workspace has no index.
    """

    index: FrameIndex | None
    size_bytes: int | None = None
    camera: CameraRow | None = None
    inout: InOutRow | None = None
    text: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)
    colours: str = ""
    video_id: str = ""
    stamp: str = ""


def compose(row: SampleRow, facts: SampleInputs, profile: FrameProfile) -> ExportSample:
    """Return a sample in the frames and pixels of an export.

    Raises:
        LeftOutError: It has too few frames for the profile, or no point is left in the picture.
        VideoError: Its frame index is not known, and the video cannot be read.
    """
    index, colours = facts.index, facts.colours
    if index is None:
        info, index = index_video(row.uri, expected_size_bytes=facts.size_bytes)
        colours = info.picture.colours
    timeline = _timeline(row, index, profile)
    if len(timeline) < profile.min_frames:
        raise LeftOutError(
            f"{len(timeline)} frames at {float(timeline.fps):g} fps, {profile.min_frames} needed"
        )
    centre = _centre(row.objects) if profile.centre == "objects" else None
    move = Move(
        timeline=timeline,
        placement=profile.placement(row.width, row.height, centre=centre),
        anchor=row.start + row.anchor,
        clip_start=row.start,
        resample=profile.resample,
        region_grid=profile.region_grid,
    )
    moved = [move_object(entry, move) for entry in row.objects]
    objects = tuple(entry for entry in moved if decode_bits(entry.visibility).any())
    if not objects:
        raise LeftOutError("no point of an object is seen inside the exported picture")
    return ExportSample(
        row=_moved_row(row, objects, move),
        origin=row,
        timeline=timeline,
        placement=move.placement,
        index=index,
        size_bytes=facts.size_bytes,
        camera=_camera(facts.camera, row, move),
        masks=_masks(facts.inout, objects, move),
        text=exported_text(facts.text),
        scores=facts.scores,
        colours=colours,
    )


def _timeline(row: SampleRow, index: FrameIndex, profile: FrameProfile) -> Timeline:
    first = row.start + row.anchor
    if row.end > index.num_frames:
        raise LeftOutError(
            f"the clip ends at frame {row.end}, the index of the video has {index.num_frames}"
        )
    native = native_rate(index.rate, variable=index.variable_rate)
    fps = profile.fps or native
    same = not index.variable_rate and fps == native
    max_frames = profile.max_frames
    if max_frames is not None:
        max_frames = allowed_count(max_frames, profile.count)
    return make_timeline(
        index.pts[first : first + row.num_frames],
        index.time_base,
        first=first,
        fps=fps,
        same_rate=same,
        rule=profile.count,
        max_frames=max_frames,
    )


def _moved_row(row: SampleRow, objects: tuple[SampleObject, ...], move: Move) -> SampleRow:
    stage2 = row.stage2 and any(entry.stage2 for entry in objects)
    reason = "" if stage2 else row.stage2_reason or "no region inside the cut"
    width, height = move.placement.target
    count = len(move.timeline)
    return replace(
        row,
        start=0,
        end=count,
        anchor=0,
        num_frames=count,
        width=width,
        height=height,
        fps=float(move.timeline.fps),
        caption=exported_text(row.caption),
        objects=objects,
        num_objects=len(objects),
        stage2=stage2,
        stage2_reason=reason,
    )


def _camera(found: CameraRow | None, row: SampleRow, move: Move) -> CameraPath | None:
    """Return the camera of the export; None where not one frame of the clip has a pose."""
    if found is None or not len(decode_array(found.frames)):
        return None
    return camera_path(found, move.positions - row.start, placement=move.placement)


def _masks(
    inout: InOutRow | None, objects: tuple[SampleObject, ...], move: Move
) -> dict[str, tuple[bytes, ...]]:
    """Return masks over time by object id; pairing is by id, never by position."""
    wanted = {entry.object_id for entry in objects}
    found = {}
    for entry in inout.objects if inout else ():
        if entry.object_id in wanted and (masks := move_masks(entry, move)) is not None:
            found[entry.object_id] = masks
    return found


def _centre(objects: tuple[SampleObject, ...]) -> tuple[float, float] | None:
    """Return the middle of all seen points, in source pixels; None when none is seen."""
    seen = [decode_tracks(entry.points)[decode_bits(entry.visibility)] for entry in objects]
    points = np.concatenate(seen) if seen else np.zeros((0, 2))
    if not len(points):
        return None
    x, y = (points.min(axis=0) + points.max(axis=0)) / 2
    return float(x), float(y)
