"""The committed rows of one clip, together."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from clipmill.annotations.objects.schema import DetectedObject
from clipmill.annotations.probe.schema import ProbeRow
from clipmill.clips import Clip, Video
from clipmill.inspection.gallery.clip_choice import Pick
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList


@dataclass(frozen=True)
class ClipRows:
    """What is known of a clip; an annotation it did not reach is missing.

    Attributes:
        video: The source file.
        probe: Facts of the file.
        rows: Rows by annotation name: `objects`, `tracks`, `inout`, `caption`.
    """

    video: Video
    probe: ProbeRow
    rows: Mapping[str, Any]

    @property
    def source(self) -> tuple[int, int]:
        """Width and height of the source."""
        return self.probe.width, self.probe.height

    def by_object(self, annotation: str) -> dict[str, Any]:
        """Return the entries of `tracks` or `inout` by object id."""
        row = self.rows.get(annotation)
        return {entry.object_id: entry for entry in row.objects} if row is not None else {}

    def objects(self) -> Iterator[tuple[int, DetectedObject]]:
        """Yield (anchor, object)."""
        row = self.rows.get("objects")
        for anchor in row.anchors if row is not None else ():
            for found in anchor.objects:
                yield anchor.index, found


def read_clip_rows(
    context: Context,
    listing: VideoList,
    clip: Clip,
    names: Iterable[str] = ("objects", "tracks", "inout", "caption"),
) -> ClipRows:
    """Read the rows of a clip of the run.

    Args:
        context: Workspace and pipeline.
        listing: Videos of the run.
        clip: One of its clips.
        names: Annotations to read; those that the pipeline lacks are left out.
    """
    stages = context.stages
    video = listing.find(clip.video_id)
    assert video is not None  # clips of other runs are not shown
    rows: dict[str, Any] = {}
    for name in names:
        if name in stages:
            row = stages[name].table.read([clip.clip_id]).get(clip.clip_id)
            if row is not None:
                rows[name] = row
    probe = stages["probe"].table.read([video.file_id])[video.file_id]
    return ClipRows(video=video, probe=probe, rows=rows)


def anchors_of(pick: Pick, known: ClipRows) -> list[int]:
    """Return the anchors of a clip, the one to show first ahead."""
    best = sorted(pick.samples, key=lambda sample: (not sample.stage2, sample.anchor))
    order = [sample.anchor for sample in best] + sorted({a for a, _ in known.objects()})
    return list(dict.fromkeys(order)) or [0]
