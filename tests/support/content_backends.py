"""Backends whose rows tell which pixels they saw; named in pipelines as `content_backends:Class`.

One object per clip, cheap to make, and every number of it is a mean of the clip's own frames: a
row of one video served for another is seen at once.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from clipmill.annotations.base import Backend, ClipInput
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.annotations.quality.schema import QualityRow
from clipmill.annotations.tracks.schema import ObjectTracks, TracksRow
from clipmill.clips import object_id_for
from clipmill.store.codecs import encode_array, encode_bits, encode_mask, encode_tracks


class _Means(Backend):
    """Hands the mean brightness of every frame to `row`."""

    def load(self, item: ClipInput) -> Any:
        with item.open() as reader:
            frames = reader.frames(range(item.clip.start, item.clip.end))
        return self.row(item, frames.mean(axis=(1, 2, 3)))

    def row(self, item: ClipInput, means: np.ndarray) -> Any:
        raise NotImplementedError

    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        return batch


class Quality(_Means):
    annotation: ClassVar[str] = "quality"
    name: ClassVar[str] = "content"
    Row: ClassVar[type] = QualityRow

    def row(self, item: ClipInput, means: np.ndarray) -> QualityRow:
        names = QualityRow.__dataclass_fields__
        numbers = dict.fromkeys(names, float(means.mean()))
        return QualityRow(**(numbers | {"frames": (), "text_boxes": None}))


class Objects(_Means):
    annotation: ClassVar[str] = "objects"
    name: ClassVar[str] = "content"
    Row: ClassVar[type] = ObjectsRow

    def row(self, item: ClipInput, means: np.ndarray) -> ObjectsRow:
        found = DetectedObject(
            object_id=object_id_for(item.clip.clip_id, 0, 0),
            class_name="object",
            confidence=1.0,
            area=float(means[0]) / 255,
            box=(4.0, 4.0, 20.0, 20.0),
            mask=encode_mask(np.ones((6, 8), bool)),
            points=encode_array(np.array([[8, 8], [16, 16]], np.float32)),
            motion=float(means.std()),
        )
        return ObjectsRow((Anchor(0, (found,)),), 1, 1)


class Tracks(_Means):
    annotation: ClassVar[str] = "tracks"
    name: ClassVar[str] = "content"
    Row: ClassVar[type] = TracksRow
    reads: ClassVar[tuple[str, ...]] = ("objects",)

    def row(self, item: ClipInput, means: np.ndarray) -> TracksRow:
        across = np.stack([means, means], axis=1)[:, None] / 255 * 40
        points = (np.array([[8, 8], [16, 16]]) + across).astype(np.float32)
        (entry,) = item.rows["objects"].anchors[0].objects
        track = ObjectTracks(
            object_id=entry.object_id,
            anchor=0,
            num_frames=len(points),
            num_points=2,
            points=encode_tracks(points),
            visibility=encode_bits(np.ones((len(points), 2), bool)),
            cycle_error=encode_array(np.zeros(2, np.float32)),
            survived=encode_bits(np.ones(2, bool)),
            survival=1.0,
            motion_strength=float(means.std()),
            motion_speed=1.0,
            motion_compensated=1.0,
            visible_share=1.0,
        )
        return TracksRow((track,), 1)
