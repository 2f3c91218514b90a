"""Backend `transformers`: any panoptic or instance segmentation checkpoint, by name or folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import RUNTIME, Backend, BackendConfig, ClipInput, Needs
from clipmill.annotations.checkpoints import Checkpoint
from clipmill.annotations.objects.queries.anchors import choose_anchors
from clipmill.annotations.objects.queries.points import query_points
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.annotations.optional import needed_from
from clipmill.clips import object_id_for, seed_for
from clipmill.errors import UsageError
from clipmill.store.codecs import encode_array, encode_mask
from clipmill.vision.masks import box_of

MOVABLE = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "bird",
    "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "sports ball",
    "kite", "flower", "snowboard", "surfboard", "skateboard",
)  # fmt: skip
"""COCO panoptic classes of things that can move by themselves or are moved."""

FUSED = ("flower",)
"""Those of them that COCO counts as stuff: a picture has one segment of all of them."""


class TransformersObjectsConfig(BackendConfig):
    """Settings of the backend."""

    model: str = Field(
        "facebook/mask2former-swin-tiny-coco-panoptic", description="Hub name or folder."
    )
    revision: str | None = Field(None, description="Commit or tag on the hub.")
    weights: Annotated[str | None, RUNTIME] = Field(
        None, description="Folder to load instead, placed by hand."
    )
    device: Annotated[str, RUNTIME] = Field("auto", description="auto, cuda, cuda:N, mps or cpu.")
    frames_per_call: Annotated[int, RUNTIME] = Field(
        4, ge=1, description="Anchors that go through the model at once."
    )
    classes: tuple[str, ...] = Field(MOVABLE, description="Classes kept; every class if empty.")
    fused: tuple[str, ...] = Field(FUSED, description="Classes with one segment per picture.")
    score: float = Field(0.5, ge=0, le=1, description="Queries count above this probability.")
    overlap: float = Field(0.8, ge=0, le=1, description="Share of its mask a segment must keep.")
    width: int = Field(512, ge=32, description="Width of the map that is segmented, pixels.")
    min_area: float = Field(0.033, ge=0, le=1, description="Smallest share of the map, inclusive.")
    max_area: float = Field(0.4, ge=0, le=1, description="Largest share of the map, inclusive.")
    point_margin: int = Field(0, ge=0, description="Map pixels query points stay off the edge.")
    ratios: tuple[float, ...] = Field((0.0, 0.33, 0.66), description="Places of the anchors.")
    min_gap: int = Field(50, ge=0, description="Anchors lie more than this many frames apart.")
    sample_fps: float = Field(12.0, gt=0, description="Rate at which training samples a clip.")
    min_sampled: int = Field(49, ge=1, description="Sampled frames left after an anchor.")
    snap: float = Field(0.05, ge=0, le=1, description="Move to a keyframe, share of the clip.")

    @property
    def checkpoint(self) -> Checkpoint:
        """The model."""
        return Checkpoint(self.model, self.revision, self.weights)


@dataclass(frozen=True)
class LoadedAnchors:
    """The anchor frames of a clip.

    Attributes:
        item: The clip.
        size: (width, height) of the source.
        indices: Frames counted from the clip's start.
        pictures: uint8 [A, H, W, 3], RGB, `width` wide.
    """

    item: ClipInput
    size: tuple[int, int]
    indices: tuple[int, ...]
    pictures: npt.NDArray[np.uint8]


class TransformersObjects(Backend):
    """Segments of the wanted classes at a few anchor frames, with query points inside them."""

    annotation: ClassVar[str] = "objects"
    name: ClassVar[str] = "transformers"
    version: ClassVar[int] = 2
    Config: ClassVar[type[BackendConfig]] = TransformersObjectsConfig
    Row: ClassVar[type] = ObjectsRow
    needs: ClassVar[Needs] = Needs(
        modules=("torch", "transformers"),
        extra="models",
        licence="Apache-2.0 (transformers); weights: the checkpoint's own",
    )
    batch_size: ClassVar[int] = 4
    config: TransformersObjectsConfig

    @classmethod
    def identity(cls, config: TransformersObjectsConfig) -> dict[str, str]:
        """Name the checkpoint."""
        return config.checkpoint.identity()

    def setup(self) -> None:
        """Load the checkpoint.

        Raises:
            UsageError: It knows none of the wanted classes.
        """
        what = f"objects backend '{self.name}'"
        with needed_from(self.needs.extra, what=what):
            from clipmill.models.device import choose_device
            from clipmill.models.panoptic import MergeRules
            from clipmill.models.segmenter import Segmenter
        location, revision = self.config.checkpoint.locate()
        device = choose_device(self.config.device, need_gpu=self.needs.gpu, what=what)
        self._segmenter = Segmenter(location, revision=revision, device=device)
        known = sorted(set(self._segmenter.labels.values()))
        self._wanted = {plain_label(name) for name in self.config.classes or known}
        if not self._wanted & {plain_label(name) for name in known}:
            raise UsageError(
                f"{what}: {self.config.model} knows none of the wanted classes; its classes are "
                f"{', '.join(known[:20])}{', ...' if len(known) > 20 else ''}. Set `classes`, or "
                "`classes: []` to keep every class"
            )
        fused = {plain_label(name) for name in self.config.fused}
        self._rules = MergeRules(
            self.config.score,
            self.config.overlap,
            frozenset(name for name in known if plain_label(name) in fused),
        )

    def load(self, item: ClipInput) -> LoadedAnchors:
        """Decode the anchors, at the width of the map only."""
        from clipmill.video import FrameSize

        config = self.config
        with item.open() as reader:
            clip = item.clip
            indices = choose_anchors(
                clip.num_frames,
                reader.index.fps,
                reader.index.keyframes[clip.start : clip.end],
                ratios=config.ratios,
                min_gap=config.min_gap,
                sample_fps=config.sample_fps,
                min_sampled=config.min_sampled,
                snap=config.snap,
            )
            height = max(1, int(reader.height * config.width / reader.width))
            pictures = reader.frames(
                [clip.start + index for index in indices], size=FrameSize(config.width, height)
            )
            return LoadedAnchors(item, (reader.width, reader.height), tuple(indices), pictures)

    def annotate(self, batch: Sequence[LoadedAnchors]) -> Sequence[ObjectsRow]:
        """Segment the anchors of all clips together, those of one size in one call.

        A batch never mixes sizes: padding would let a picture's neighbours change its result.
        """
        from clipmill.models.batching import in_batches

        places: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        for number, loaded in enumerate(batch):
            for anchor in range(len(loaded.indices)):
                places.setdefault(loaded.pictures.shape[1:], []).append((number, anchor))
        found: dict[tuple[int, int], tuple[DetectedObject, ...]] = {}
        for same_size in places.values():

            def work(some: Sequence[tuple[int, int]]) -> list[tuple[DetectedObject, ...]]:
                pictures = [batch[number].pictures[anchor] for number, anchor in some]
                segments = self._segmenter.segment(pictures, self._rules)
                return [
                    self._objects(batch[number], anchor, here)
                    for (number, anchor), here in zip(some, segments, strict=True)
                ]

            results = in_batches(work, same_size, size=self.config.frames_per_call)
            found.update(zip(same_size, results, strict=True))
        return [
            _row(loaded, [found[number, anchor] for anchor in range(len(loaded.indices))])
            for number, loaded in enumerate(batch)
        ]

    def _objects(
        self, loaded: LoadedAnchors, anchor: int, segments: Sequence[object]
    ) -> tuple[DetectedObject, ...]:
        """Keep the segments that are wanted, the largest first."""
        from clipmill.models.panoptic import Segment

        loaded.item.check()
        config, frame = self.config, loaded.indices[anchor]
        kept: list[tuple[float, Segment]] = []
        for segment in segments:
            assert isinstance(segment, Segment)
            area = float(segment.mask.mean())
            if (
                plain_label(segment.label) in self._wanted
                and config.min_area <= area <= config.max_area
            ):
                kept.append((area, segment))
        kept.sort(key=lambda pair: -pair[0])
        objects: list[DetectedObject] = []
        for area, segment in kept:
            name = object_id_for(loaded.item.clip.clip_id, frame, len(objects))
            points = query_points(
                segment.mask,
                size=loaded.size,
                margin=config.point_margin,
                seed=seed_for(name, "query points"),
            )
            if not len(points):
                continue
            objects.append(
                DetectedObject(
                    object_id=name,
                    class_name=plain_label(segment.label),
                    confidence=segment.score,
                    area=area,
                    box=box_of(segment.mask, size=loaded.size),
                    mask=encode_mask(segment.mask),
                    points=encode_array(points),
                    motion=None,
                )
            )
        return tuple(objects)


def plain_label(label: str) -> str:
    """Return a class name in the form in which names are compared."""
    return label.strip().lower().replace("_", " ")


def _row(loaded: LoadedAnchors, objects: Sequence[tuple[DetectedObject, ...]]) -> ObjectsRow:
    anchors = tuple(
        Anchor(index, here) for index, here in zip(loaded.indices, objects, strict=True)
    )
    counts = [len(here) for here in objects]
    return ObjectsRow(anchors, sum(count > 0 for count in counts), sum(counts))
