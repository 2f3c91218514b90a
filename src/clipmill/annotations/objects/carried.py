"""What the backends share that find what moves on its own and carry it through the clip."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.annotations.objects.moving.movers import Limits
from clipmill.annotations.objects.propagation.follow import Following
from clipmill.annotations.objects.propagation.frames import ClipFrames, read_frames
from clipmill.annotations.objects.propagation.identities import Identities, Identity
from clipmill.annotations.objects.propagation.look import Network
from clipmill.annotations.objects.propagation.ration import Ration
from clipmill.annotations.objects.queries.anchors import choose_anchors, entry_anchors
from clipmill.annotations.objects.queries.points import query_points
from clipmill.annotations.objects.salient.search import Search
from clipmill.annotations.objects.schema import Anchor, CarriedObject, DetectedObject, ObjectsRow
from clipmill.clips import object_id_for, seed_for
from clipmill.store.codecs import encode_array, encode_mask
from clipmill.vision.masks import box_of, touches_edge

_POINT_MARGIN = 2
_MOST_CROPS = 2.5  # times the looks at one object: from there on, only looks that are planned


class CarriedObjectsConfig(BackendConfig):
    """Settings that these backends share."""

    ratios: tuple[float, ...] = Field((0.0, 0.33, 0.66), description="Places of the anchors.")
    min_gap: int = Field(50, ge=0, description="Anchors lie more than this many frames apart.")
    sample_fps: float = Field(12.0, gt=0, description="Rate at which training samples a clip.")
    min_sampled: int = Field(49, ge=1, description="Sampled frames left after an anchor.")
    snap: float = Field(0.05, ge=0, le=1, description="Move to a keyframe, share of the clip.")
    entries: bool = Field(True, description="Anchors where an object has just come in, too.")
    entry_confidence: float = Field(
        0.5, ge=0, le=1, description="Only of objects that are as sure as this."
    )
    long_side: int = Field(480, ge=64, description="Size of masks and flow, longer side, pixels.")
    detail_side: int = Field(1024, ge=64, description="Size of pictures that are looked at.")
    scan_every: int = Field(24, ge=1, description="Frames from one search for movers to the next.")
    distances: tuple[int, ...] = Field(
        (1, 3, 6, 12), min_length=1, description="Frames to each side a frame is compared with."
    )
    min_speed: float = Field(
        0.25, gt=0, description="Slowest motion of its own, permille of the long side per frame."
    )
    min_area: float = Field(
        0.005, gt=0, lt=1, description="Smallest object, share of the frame; select on `area`."
    )
    max_area: float = Field(0.8, gt=0, le=1, description="Largest object, share of the frame.")
    max_objects: int = Field(3, ge=1, description="Objects followed in a clip.")
    min_confidence: float = Field(
        0.02, ge=0, le=1, description="Below this it is noise; select on `confidence` above it."
    )
    scans: int = Field(
        4, ge=0, description="Whole frames the network sees besides the anchors, where it is new."
    )
    regains: int = Field(
        3, ge=0, description="Frames searched where an object is missing or a scrap, at most."
    )
    looks: int = Field(
        28, ge=1, description="Looks at the first object of a clip, about; fewer at each further."
    )
    min_interval: int = Field(4, ge=1, description="Fewest frames from one look to the next.")

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
class LoadedClip:
    """A clip, decoded.

    Attributes:
        item: The clip.
        frames: Its frames and flow.
        anchors: The published anchors, clip indices.
    """

    item: ClipInput
    frames: ClipFrames
    anchors: tuple[int, ...]


class CarriedObjects(Backend):
    """Finds what moves on its own and carries its masks through the clip.

    The clip is searched at the anchors and every few frames; what is found is followed both ways
    from there, with one identity. Anchors are the published ones, and frames where a thing has
    just come in and is well seen.
    """

    annotation: ClassVar[str] = "objects"
    Row: ClassVar[type] = ObjectsRow
    unit_size: ClassVar[int] = 2
    config: Any

    @abstractmethod
    def whole_network(self) -> Network | None:
        """Return the network that looks at whole frames."""

    @abstractmethod
    def crop_network(self) -> Network | None:
        """Return the network that looks at crops."""

    def load(self, item: ClipInput) -> LoadedClip:
        """Decode the clip once, with its flow."""
        config, index = self.config, None
        with item.open() as reader:
            index = reader.index
        anchors = choose_anchors(
            item.clip.num_frames,
            index.fps,
            index.keyframes[item.clip.start : item.clip.end],
            ratios=config.ratios,
            min_gap=config.min_gap,
            sample_fps=config.sample_fps,
            min_sampled=config.min_sampled,
            snap=config.snap,
        )
        frames = read_frames(item, work_side=config.long_side, detail_side=config.detail_side)
        return LoadedClip(item, frames, tuple(anchors))

    def annotate(self, batch: Sequence[LoadedClip]) -> Sequence[ObjectsRow]:
        """Find and follow the objects of each clip."""
        return [self._row(loaded) for loaded in batch]

    def _row(self, loaded: LoadedClip) -> ObjectsRow:
        frames = loaded.frames
        identities = self._find(loaded)
        carried = tuple(_pack(number, one, frames) for number, one in enumerate(identities))
        places = set(loaded.anchors)
        if self.config.entries:
            sure = [one for one in identities if one.confidence >= self.config.entry_confidence]
            for one in sure:
                places |= set(_entries(one, frames, self.config.scan_every, loaded.anchors))
        anchors = tuple(
            Anchor(index, self._objects(loaded, index, identities)) for index in sorted(places)
        )
        counts = [len(anchor.objects) for anchor in anchors]
        return ObjectsRow(anchors, sum(count > 0 for count in counts), sum(counts), carried)

    def _find(self, loaded: LoadedClip) -> list[Identity]:
        """Search the clip at its anchors first, then in between, and follow what is found."""
        config, frames = self.config, loaded.frames
        interval = max(config.min_interval, -(-len(frames) // config.looks))
        network = self.crop_network()
        crop = None if network is None else Ration(network, round(_MOST_CROPS * config.looks))
        way = Following(interval, crop, loaded.item.check)
        identities = Identities(frames, way, most=config.max_objects, reach=config.scan_every)
        search = Search(
            frames,
            identities,
            config.limits,
            distances=config.distances,
            whole=self.whole_network(),
            crop=crop,
            most=config.scans,
            again=config.regains,
        )
        first = list(loaded.anchors) or [0]
        between = [*range(0, len(frames), config.scan_every), len(frames) - 1]
        for frame in [*first, *(place for place in between if place not in first)]:
            loaded.item.check()
            search.visit(frame, always=frame in first)
        while search.regain():
            loaded.item.check()
        search.finish()
        return identities.settle()

    def _objects(
        self, loaded: LoadedClip, index: int, identities: Sequence[Identity]
    ) -> tuple[DetectedObject, ...]:
        """Return the objects at an anchor, largest first."""
        size, clip_id = loaded.frames.source_size, loaded.item.clip.clip_id
        masks = [(number, one.mask(index)) for number, one in enumerate(identities)]
        seen = [
            (number, mask)
            for number, mask in masks
            if mask is not None and mask.mean() >= self.config.min_area
        ]
        objects: list[DetectedObject] = []
        for number, mask in sorted(seen, key=lambda pair: -int(pair[1].sum())):
            name = object_id_for(clip_id, index, len(objects))
            points = query_points(
                mask, size=size, margin=_POINT_MARGIN, seed=seed_for(name, "query points")
            )
            if not len(points):
                continue
            identity = identities[number]
            sight = identity.sights[index]
            objects.append(
                DetectedObject(
                    object_id=name,
                    class_name="object",
                    confidence=min(1.0, identity.confidence * (0.5 + 0.5 * sight.confidence)),
                    area=float(mask.mean()),
                    box=box_of(mask, size=size),
                    mask=encode_mask(mask),
                    points=encode_array(points),
                    motion=_speed(identity, loaded.frames),
                    identity=number,
                )
            )
        return tuple(objects)


def _speed(identity: Identity, frames: ClipFrames) -> float:
    """Return the own speed of a thing in source pixels per frame."""
    return float(np.mean(identity.speeds)) * frames.source_size[0] / frames.work[0]


def _pack(number: int, identity: Identity, frames: ClipFrames) -> CarriedObject:
    """Return the masks of a thing, from the first frame in which it is seen to the last."""
    width, height = frames.work
    first, last = min(identity.sights), max(identity.sights)
    blank = np.zeros((height, width), bool)
    sights = [identity.sights.get(frame) for frame in range(first, last + 1)]
    masks = [blank if sight is None else sight.mask for sight in sights]
    sure = [0.0 if sight is None else sight.confidence for sight in sights]
    return CarriedObject(
        identity=number,
        first_frame=first,
        masks=tuple(encode_mask(mask) for mask in masks),
        confidence=encode_array(np.asarray(sure, np.float16)),
        motion=_speed(identity, frames),
    )


def _entries(
    identity: Identity, frames: ClipFrames, within: int, anchors: Sequence[int]
) -> list[int]:
    """Return the frames where a thing has just come in and is well seen, if no anchor shows it."""
    first, last = min(identity.sights), max(identity.sights)
    masks = [identity.mask(frame) for frame in range(first, last + 1)]
    areas = [0.0 if mask is None else float(mask.sum()) for mask in masks]
    edges = [mask is not None and touches_edge(mask) for mask in masks]
    found = entry_anchors(areas, edges, first=first, within=within)
    shown = [anchor for anchor in anchors if anchor in identity.sights]
    return [
        frame
        for frame in found
        # What comes in at the very end of a clip has no motion left to show.
        if frame + within <= len(frames)
        and not any(frame <= anchor < frame + within // 2 for anchor in shown)
    ]
