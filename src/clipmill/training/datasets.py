"""Map-style datasets over the samples of a workspace or an export."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from clipmill.canvas.draw import draw_tracks
from clipmill.canvas.placement import Placement
from clipmill.clips import seed_for
from clipmill.errors import ClipError, UsageError
from clipmill.store.errors import CorruptFileError
from clipmill.store.workspace import Workspace
from clipmill.training.identity import choose_identity, padded
from clipmill.training.items import InOutSample, MotionSample, SampleMeta
from clipmill.training.options import LoadOptions, frame_count, source_span
from clipmill.training.reading.opening import open_samples
from clipmill.training.reading.stored import SampleIndex, StoredSample
from clipmill.training.tracked import Tracked, points_in, thinned, tracked_objects
from clipmill.training.videos import empty_pictures, read_video

Shape = tuple[int, int, int]
"""Frames (at most), height, width."""

SampleT = TypeVar("SampleT", bound=MotionSample)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """The parts that both stages share."""

    frames: range
    placement: Placement
    objects: tuple[Tracked, ...]


class _SampleDataset(Dataset, Generic[SampleT]):
    """What both stages share: the index, seeds, errors.

    Random choices depend on (seed, epoch, sample) alone: not on the worker, the order of access
    or the other samples.
    """

    stage: int

    def __init__(
        self, place: Workspace | str | Path, options: LoadOptions, *, samples: str = "training"
    ) -> None:
        self.options = options
        self._source = open_samples(place, samples=samples, identity=self.stage == 2)
        index = self._source.index
        least = source_span(options.least_frames, stride=options.stride)
        ready = index.stage[:, self.stage - 1]
        long_enough = index.num_frames >= least
        self.num_too_short = int((ready & ~long_enough).sum())
        self._source.keep(ready & long_enough)
        self.bucket = self._buckets()
        # Shared memory, so that workers which live on see a new epoch.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def _buckets(self) -> npt.NDArray[np.int32]:
        index, shapes = self.index, self.options.shapes
        counts = (np.maximum(index.num_frames, 1) - 1) // self.options.stride + 1
        count = np.searchsorted(shapes.frame_counts, shapes.longest(counts))
        size = shapes.nearest(index.width, index.height)
        return (size * len(shapes.frame_counts) + count).astype(np.int32)

    def shape_of(self, number: int) -> tuple[int, int, int]:
        """Return (frames, height, width) of a sample; of frames the most there can be."""
        shapes = self.options.shapes
        size, count = divmod(int(self.bucket[number]), len(shapes.frame_counts))
        width, height = shapes.sizes[size]
        return shapes.frame_counts[count], height, width

    def __len__(self) -> int:
        return len(self.index)

    @property
    def index(self) -> SampleIndex:
        """What is known of the samples without reading them."""
        return self._source.index

    @property
    def epoch(self) -> int:
        """The epoch that random choices belong to."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch, also for workers that are running already (between two passes)."""
        self._epoch.fill_(epoch)

    def __getitem__(self, number: int) -> SampleT:
        """Load a sample.

        Raises:
            IndexError: No such sample.
            VideoError: Its video is missing, was changed or cannot be decoded.
            ClipError: Its tracks are shorter than `min_frames`, or a file of it is missing.
            CorruptFileError: A file of it is damaged.
        """
        if not -len(self) <= number < len(self):
            raise IndexError(f"no sample {number} in a dataset of {len(self)}")
        number %= len(self)
        if self.options.on_error == "raise":
            return self._load(number)
        for other in self._instead_of(number):
            try:
                return self._load(other)
            except (ClipError, CorruptFileError) as error:
                warnings.warn(f"sample {self.sample_id(other)}: {error}", stacklevel=2)
        raise UsageError("not one sample of the dataset can be read; see the warnings")

    def _instead_of(self, number: int) -> Iterator[int]:
        """Yield a sample and those that may take its place: of the same shape, the next first."""
        count = len(self)
        for step in range(count):
            other = (number + step) % count
            if self.bucket[other] == self.bucket[number]:
                yield other

    def sample_id(self, number: int) -> str:
        """Return the id of a sample."""
        return bytes(self.index.sample_id[number % len(self)]).decode()

    def _load(self, number: int) -> SampleT:
        stored = self._source.read(number)
        shape = self.shape_of(number)
        seed = seed_for("training", self.options.seed, self.epoch, stored.sample_id)
        return self._build(stored, shape, np.random.default_rng(seed))

    def _build(self, stored: StoredSample, shape: Shape, rng: np.random.Generator) -> SampleT:
        raise NotImplementedError

    def _frames(self, stored: StoredSample, most: int) -> range:
        """Return the frames of a sample, counted from its anchor."""
        tracked, options = stored.tracked, self.options
        span = min(stored.num_frames, tracked)
        count = frame_count(max(1, span), stride=options.stride, num_frames=most)
        least = options.least_frames if options.buckets is None else most
        if count < least or not tracked:
            raise ClipError(
                f"sample {stored.sample_id} is tracked for {tracked} frames; {least} frames at "
                f"stride {options.stride} need {source_span(least, stride=options.stride)}. Ask "
                "for fewer, or run the pipeline with a longer `horizon` of its tracks"
            )
        return range(0, source_span(count, stride=options.stride), options.stride)

    def _parts(self, stored: StoredSample, drawn: _Drawn, **more: Any) -> dict[str, Any]:
        """Return the fields of a stage-1 sample."""
        last = stored.first + drawn.frames.stop
        frames = range(stored.first, last, drawn.frames.step)
        video = read_video(stored, frames=frames, placement=drawn.placement)
        points = [drawn.placement.points(entry.points) for entry in drawn.objects]
        seen = [entry.seen for entry in drawn.objects]
        trajectory = empty_pictures(*video.shape)
        draw_tracks(trajectory, points, seen, style=self.options.style)
        return {
            "video": video,
            "trajectory": torch.from_numpy(trajectory),
            "first_frame": video[0].clone(),
            "caption": stored.caption,
            "points": tuple(map(torch.from_numpy, points)),
            "visibility": tuple(map(torch.from_numpy, seen)),
            "meta": SampleMeta(
                sample_id=stored.sample_id,
                uri=stored.uri,
                frames=tuple(frames),
                fps=stored.fps / self.options.stride,
                source_fps=stored.fps,
                object_ids=tuple(entry.object_id for entry in drawn.objects),
                class_names=tuple(entry.class_name for entry in drawn.objects),
                caption_origin=stored.caption_origin,
                **more,
            ),
        }

    def _placement(
        self,
        stored: StoredSample,
        shape: Shape,
        *,
        centre: tuple[float, float] | None = None,
    ) -> Placement:
        source = stored.width, stored.height
        target = shape[2], shape[1]
        if self.options.fit == "stretch":
            return Placement.stretched(source, target)
        return Placement.cropped(source, target, centre=centre)


class MotionDataset(_SampleDataset[MotionSample]):
    """Stage 1: a clip, its object tracks drawn over it, a caption.

    Args:
        place: A workspace, its path or URL, or the folder of a canonical export.
        options: Size, frames, strides, chances.
        samples: Name of the sample set; an export holds one set only.

    Attributes:
        index: The samples; those not ready for the stage or too short are not in it.
        bucket: int32 [n], equal for samples that are loaded in the same shape.
        num_too_short: Samples left out because they are shorter than `min_frames`.

    Raises:
        UsageError: `place` is neither, or has no samples.
        CorruptFileError: A file is damaged.
    """

    stage = 1

    def _build(self, stored: StoredSample, shape: Shape, rng: np.random.Generator) -> MotionSample:
        frames = self._frames(stored, shape[0])
        objects = thinned(tracked_objects(stored, frames), rng, dropout=self.options.point_dropout)
        drawn = _Drawn(frames, self._placement(stored, shape), objects)
        return MotionSample(**self._parts(stored, drawn))


class InOutDataset(_SampleDataset[InOutSample]):
    """Stage 2: a clip, a region that one object is outside of at the start, and its picture.

    One object with an identity image is drawn at random, and one of its largest regions. Points
    of the other objects that are outside the region at the start are dropped; those of the
    chosen object stay wherever they are. With `fit="crop"` the crop is centred on the region.

    Arguments, attributes and errors are those of `MotionDataset`.
    """

    stage = 2

    def _build(self, stored: StoredSample, shape: Shape, rng: np.random.Generator) -> InOutSample:
        frames = self._frames(stored, shape[0])
        chosen = choose_identity(stored, rng, largest_regions=self.options.largest_regions)
        x0, y0, x1, y1 = region = chosen.region
        objects = [
            entry if entry.object_id == chosen.object_id else entry.only(points_in(entry, region))
            for entry in tracked_objects(stored, frames)
        ]
        placement = self._placement(stored, shape, centre=((x0 + x1) / 2, (y0 + y1) / 2))
        drawn = _Drawn(frames, placement, thinned(objects, rng, dropout=self.options.point_dropout))
        dropped = bool(rng.random() < self.options.drop_identity)
        parts = self._parts(stored, drawn, identity=chosen.object_id, identity_dropped=dropped)
        x0, y0, x1, y1 = box = placement.box(region)
        mask = torch.zeros((1, *shape[1:]))
        mask[:, y0:y1, x0:x1] = 1
        parts["first_frame"] = torch.where(mask.bool(), parts["first_frame"], -1.0)
        blank = torch.full_like(parts["first_frame"], -1.0)
        picture = blank if dropped else padded(chosen.picture(), onto=blank)
        return InOutSample(**parts, region_mask=mask, region=torch.tensor(box), identity=picture)
