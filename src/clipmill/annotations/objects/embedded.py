"""Backend `embedded`: regions that move on their own, on the CPU, with nothing to download.

It finds movers, not classes: every object is called `object`, and a person who stands still is
background. What it costs, where it fails and how it does against known truth is in the docs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import Backend, BackendConfig, ClipInput, Needs
from clipmill.annotations.objects.anchors import choose_anchors
from clipmill.annotations.objects.flow import FlowEstimator
from clipmill.annotations.objects.movers import Limits, segment
from clipmill.annotations.objects.points import box_of, query_points
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.clips import object_id_for, seed_for
from clipmill.store.codecs import encode_array, encode_mask

Pictures = npt.NDArray[np.uint8]


class MovingObjectsConfig(BackendConfig):
    """Settings of the embedded objects backend."""

    ratios: tuple[float, ...] = Field((0.0, 0.33, 0.66), description="Places of the anchors.")
    min_gap: int = Field(50, ge=0, description="Anchors lie more than this many frames apart.")
    sample_fps: float = Field(12.0, gt=0, description="Rate at which training samples a clip.")
    min_sampled: int = Field(49, ge=1, description="Sampled frames left after an anchor.")
    snap: float = Field(0.05, ge=0, le=1, description="Move to a keyframe, share of the clip.")
    long_side: int = Field(480, ge=64, description="Working size, longer side in pixels.")
    distances: tuple[int, ...] = Field(
        (3, 6, 12), min_length=1, description="Frames to each side an anchor is compared with."
    )
    min_speed: float = Field(
        0.25, gt=0, description="Slowest motion of its own, permille of the long side per frame."
    )
    min_area: float = Field(
        0.01, gt=0, lt=1, description="Smallest object, share of the frame; select on `area`."
    )
    max_area: float = Field(0.6, gt=0, le=1, description="Largest object, share of the frame.")
    max_objects: int = Field(12, ge=1, description="Objects per anchor, the largest ones.")
    min_confidence: float = Field(
        0.02, ge=0, le=1, description="Below this it is noise; select on `confidence` above it."
    )

    @property
    def limits(self) -> Limits:
        """What counts as a mover."""
        return Limits(
            min_speed=self.min_speed / 1000,
            min_area=self.min_area,
            max_area=self.max_area,
            min_confidence=self.min_confidence,
        )


@dataclass(frozen=True)
class _AnchorFrames:
    """An anchor and its neighbours, decoded at the working size.

    Attributes:
        index: Frame of the anchor, counted from the clip's start.
        distances: Distance of each neighbour from the anchor, in frames.
        pictures: uint8 [1 + len(distances), H, W, 3], RGB; the anchor first.
    """

    index: int
    distances: tuple[int, ...]
    pictures: Pictures


@dataclass(frozen=True)
class _Loaded:
    item: ClipInput
    size: tuple[int, int]
    anchors: tuple[_AnchorFrames, ...]


class MovingObjects(Backend):
    """Independently moving regions at a few anchor frames."""

    annotation: ClassVar[str] = "objects"
    name: ClassVar[str] = "embedded"
    version: ClassVar[int] = 3
    Config: ClassVar[type[BackendConfig]] = MovingObjectsConfig
    Row: ClassVar[type] = ObjectsRow
    needs: ClassVar[Needs] = Needs(licence="Apache-2.0 (OpenCV, scikit-learn)")
    config: MovingObjectsConfig

    def setup(self) -> None:
        """Prepare the flow estimator."""
        self._flows = FlowEstimator()

    def load(self, item: ClipInput) -> _Loaded:
        """Decode the anchors and their neighbours, at the working size only."""
        from clipmill.video import FrameSize, fit_within

        with item.open() as reader:
            length = item.clip.num_frames
            keyframes = reader.index.keyframes[item.clip.start : item.clip.end]
            width, height = fit_within(reader.width, reader.height, long_side=self.config.long_side)
            indices = choose_anchors(
                length,
                reader.index.fps,
                keyframes,
                ratios=self.config.ratios,
                min_gap=self.config.min_gap,
                sample_fps=self.config.sample_fps,
                min_sampled=self.config.min_sampled,
                snap=self.config.snap,
            )
            anchors = []
            for index in indices:
                steps = sorted({sign * step for step in self.config.distances for sign in (-1, 1)})
                steps = [step for step in steps if 0 <= index + step < length]
                wanted = [item.clip.start + index + step for step in (0, *steps)]
                pictures = reader.frames(wanted, size=FrameSize(width, height))
                anchors.append(_AnchorFrames(index, tuple(steps), pictures))
            return _Loaded(item, (reader.width, reader.height), tuple(anchors))

    def annotate(self, batch: Sequence[_Loaded]) -> Sequence[ObjectsRow]:
        """Segment the loaded anchors."""
        return [self._row(loaded) for loaded in batch]

    def _row(self, loaded: _Loaded) -> ObjectsRow:
        anchors = []
        for frames in loaded.anchors:
            loaded.item.check()
            anchors.append(Anchor(frames.index, self._objects(loaded, frames)))
        counts = [len(anchor.objects) for anchor in anchors]
        return ObjectsRow(tuple(anchors), sum(count > 0 for count in counts), sum(counts))

    def _objects(self, loaded: _Loaded, frames: _AnchorFrames) -> tuple[DetectedObject, ...]:
        movers = segment(
            frames.pictures[0],
            dict(zip(frames.distances, frames.pictures[1:], strict=True)),
            self._flows,
            self.config.limits,
        )
        objects: list[DetectedObject] = []
        for mover in movers[: self.config.max_objects]:
            name = object_id_for(loaded.item.clip.clip_id, frames.index, len(objects))
            points = query_points(
                mover.mask, size=loaded.size, margin=2, seed=seed_for(name, "query points")
            )
            if not len(points):
                continue
            scale = loaded.size[0] / mover.mask.shape[1]
            objects.append(
                DetectedObject(
                    object_id=name,
                    class_name="object",
                    confidence=mover.confidence,
                    area=float(mover.mask.mean()),
                    box=box_of(mover.mask, size=loaded.size),
                    mask=encode_mask(mover.mask),
                    points=encode_array(points),
                    motion=mover.speed * scale,
                )
            )
        return tuple(objects)
