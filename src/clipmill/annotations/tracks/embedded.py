"""Backend `embedded`: tracks of things that bend, on the CPU, along dense flow inside masks."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from clipmill.annotations.base import BackendConfig
from clipmill.annotations.objects.schema import DetectedObject
from clipmill.annotations.probe.schema import ProbeRow
from clipmill.annotations.tracks.chained_flow.follow import FlowStep, follow_points
from clipmill.annotations.tracks.chained_flow.stretches import way_back
from clipmill.annotations.tracks.schema import ObjectTracks, TracksRow
from clipmill.annotations.tracks.windowed import WindowedClip, WindowedTracks
from clipmill.annotations.tracks.windows import (
    AnchorObjects,
    pack_object,
    to_source,
    to_working,
)
from clipmill.store.codecs import decode_array, decode_mask
from clipmill.video import FrameSize, fit_within
from clipmill.vision.arrays import Floats
from clipmill.vision.dense_flow import PairFlows, pixel_grid, sample
from clipmill.vision.masks import Mask


class ChainedFlowTracksConfig(BackendConfig):
    """Settings of `ChainedFlowTracks`.

    Attributes:
        horizon: Frames to follow after the anchor.
        min_frames_after: An anchor must leave more frames of the clip than this, itself
            included, or its objects are skipped.
        max_cycle_error: Share of the frame's height that the visible stretches of a surviving
            point may miss their beginnings by, on the mean.
        min_visible: Share of the frames in which its object is seen that a surviving point must
            be seen in, too.
        min_seen: Frames that a surviving point must be seen in.
        long_side: Size frames are looked at, pixels.
    """

    horizon: int = Field(170, ge=1)
    min_frames_after: int = Field(50, ge=0)
    max_cycle_error: float = Field(0.02, gt=0)
    min_visible: float = Field(0.25, ge=0, le=1)
    min_seen: int = Field(8, ge=0)
    long_side: int = Field(480, ge=128)


class ChainedFlowTracks(WindowedTracks):
    """Follows the query points of every object from its anchor.

    Needs objects whose masks are carried through the clip; an object without such masks is
    followed inside the mask of its anchor, as far as the flow keeps it together.

    A point survives when the visible stretches of its track come home (see `stretches`) and when
    it is seen for a good part of the time that its object is. The published rule, from the last
    frame back to the first, fails everything that leaves or turns.
    """

    name: ClassVar[str] = "embedded"
    version: ClassVar[int] = 6
    Config: ClassVar[type[BackendConfig]] = ChainedFlowTracksConfig

    config: ChainedFlowTracksConfig

    def frame_size(self, probe: ProbeRow) -> FrameSize:
        """Return a grey picture of `long_side`."""
        width, height = fit_within(probe.width, probe.height, long_side=self.config.long_side)
        return FrameSize(width, height, "gray")

    def annotate(self, batch: Sequence[WindowedClip]) -> Sequence[TracksRow]:
        """Follow all objects of each clip; anchors share the flow where their windows overlap."""
        rows: list[TracksRow] = []
        for clip in batch:
            self._flows = PairFlows(clip.frames)
            rows += super().annotate([clip])
        return rows

    def follow(self, clip: WindowedClip, anchor: AnchorObjects) -> list[ObjectTracks]:
        """Follow each object by itself."""
        height, width = clip.frames[anchor.index].shape
        scale = np.array([clip.source_size[0] / width, clip.source_size[1] / height])
        found = [self._follow_one(clip, anchor, one, scale) for one in anchor.objects]
        return [entry for entry in found if entry is not None]

    def _follow_one(
        self, clip: WindowedClip, anchor: AnchorObjects, found: DetectedObject, scale: Floats
    ) -> ObjectTracks | None:
        queries = to_working(decode_array(found.points).astype(np.float64).reshape(-1, 2), scale)
        if not len(queries):
            return None
        span = range(anchor.index, anchor.last + 1)
        masks = self._masks(clip, found, span)
        followed = follow_points(queries, self._steps(clip, span, masks))
        backs = [self._flows.between(t + 1, t) for t in span[:-1]]
        error = way_back(followed, backs) * float(np.sqrt(scale.prod()))
        present = np.array([mask.any() for mask in masks])
        frames = followed.visible[present].sum(axis=0)
        seen = frames >= max(self.config.min_seen, self.config.min_visible * present.sum())
        steady = error <= self.config.max_cycle_error * clip.source_size[1]
        return pack_object(
            found,
            anchor=anchor.index,
            points=to_source(followed.points, scale),
            visible=followed.visible,
            error=np.minimum(error, np.hypot(*clip.source_size)),
            survived=steady & seen,
            size=clip.source_size,
            background=clip.background,
        )

    def _masks(self, clip: WindowedClip, found: DetectedObject, span: range) -> list[Mask]:
        """Return where the object is in every frame of its window, at the working size."""
        shape = clip.frames[span[0]].shape
        own = clip.carried.get(found.identity) if found.identity is not None else None
        if own is None:
            return self._by_flow(decode_mask(found.mask, size=shape), span)
        blank = np.zeros(shape, bool)
        places = (t - own.first_frame for t in span)
        return [
            decode_mask(own.masks[place], size=shape) if 0 <= place < len(own.masks) else blank
            for place in places
        ]

    def _by_flow(self, mask: Mask, span: range) -> list[Mask]:
        """Carry the anchor's mask by flow alone."""
        masks = [mask]
        for t in span[1:]:
            at = pixel_grid(*mask.shape) + self._flows.between(t, t - 1)
            masks.append(sample(masks[-1], at) > 0.5)
        return masks

    def _steps(self, clip: WindowedClip, span: range, masks: Sequence[Mask]) -> Iterator[FlowStep]:
        """Yield the frames of a window with the flow between them."""
        for t, mask in zip(span, masks, strict=True):
            clip.check()
            first = t == span[0]
            yield FlowStep(
                gray=clip.frames[t],
                mask=mask,
                ahead=None if first else self._flows.between(t - 1, t),
                back=None if first else self._flows.between(t, t - 1),
            )
