"""Map-style datasets over the samples of a workspace."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch.utils.data import Dataset

from clipmill.clips import seed_for
from clipmill.errors import ClipError, UsageError
from clipmill.store.codecs import decode_bits
from clipmill.store.workspace import Workspace
from clipmill.canvas.draw import draw_tracks
from clipmill.training.identity import choose_identity, padded
from clipmill.training.items import InOutSample, MotionSample, SampleMeta
from clipmill.training.options import LoadOptions, frame_count, span_of
from clipmill.canvas.placement import Placement
from clipmill.training.rows import RowReader, read_index
from clipmill.training.tracked import Tracked, inside, thinned, tracked_objects
from clipmill.training.videos import VideoFiles

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
        self, workspace: Workspace | str | Path, options: LoadOptions, *, samples: str = "training"
    ) -> None:
        if not isinstance(workspace, Workspace):
            workspace = Workspace.open(workspace)
        self.options = options
        index = read_index(workspace, samples)
        least = span_of(options.least_frames, stride=options.stride)
        ready = index.stage[:, self.stage - 1]
        long_enough = index.num_frames >= least
        self.num_too_short = int((ready & ~long_enough).sum())
        self.index = index.take(ready & long_enough)
        self._rows = RowReader(workspace, self.index, identity=self.stage == 2)
        self._videos = VideoFiles(workspace, self.index.video_id)
        # Shared memory, so that workers which live on see a new epoch.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def __len__(self) -> int:
        return len(self.index)

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
            ClipError: Its tracks are shorter than `min_frames`.
        """
        if not -len(self) <= number < len(self):
            raise IndexError(f"no sample {number} in a dataset of {len(self)}")
        number %= len(self)
        if self.options.on_error == "raise":
            return self._load(number)
        for step in range(len(self)):
            try:
                return self._load((number + step) % len(self))
            except ClipError as error:
                warnings.warn(f"sample {self.sample_id(number + step)}: {error}", stacklevel=2)
        raise UsageError("not one sample of the dataset can be read; see the warnings")

    def sample_id(self, number: int) -> str:
        """Return the id of a sample."""
        return bytes(self.index.sample_id[number % len(self)]).decode()

    def _load(self, number: int) -> SampleT:
        row = self._rows.row(number)
        seed = seed_for("training", self.options.seed, self.epoch, row["sample_id"])
        return self._build(number, row, np.random.default_rng(seed))

    def _build(self, number: int, row: dict[str, Any], rng: np.random.Generator) -> SampleT:
        raise NotImplementedError

    def _frames(self, row: dict[str, Any]) -> range:
        """Return the frames of a sample, counted from its anchor."""
        tracked = max((len(decode_bits(o["visibility"])) for o in row["objects"]), default=0)
        options = self.options
        span = min(row["num_frames"], tracked)
        count = frame_count(max(1, span), stride=options.stride, num_frames=options.num_frames)
        if count < options.least_frames or not tracked:
            raise ClipError(
                f"sample {row['sample_id']} is tracked for {tracked} frames; {options.least_frames}"
                f" frames at stride {options.stride} need "
                f"{span_of(options.least_frames, stride=options.stride)}"
            )
        return range(0, span_of(count, stride=options.stride), options.stride)

    def _parts(
        self, number: int, row: dict[str, Any], drawn: _Drawn, **more: Any
    ) -> dict[str, Any]:
        """Return the fields of a stage-1 sample."""
        first = row["start"] + row["anchor"]
        frames = range(first, first + drawn.frames.stop, drawn.frames.step)
        video = self._videos.read(
            row["uri"],
            video_id=row["video_id"],
            size_bytes=int(self._videos.sizes[number]),
            frames=frames,
            placement=drawn.placement,
        )
        points = [drawn.placement.points(entry.points) for entry in drawn.objects]
        seen = [entry.seen for entry in drawn.objects]
        trajectory = torch.empty_like(video)
        draw_tracks(trajectory.numpy(), points, seen, style=self.options.style)
        return {
            "video": video,
            "trajectory": trajectory,
            "first_frame": video[0].clone(),
            "caption": row["caption"],
            "points": tuple(map(torch.from_numpy, points)),
            "visibility": tuple(map(torch.from_numpy, seen)),
            "meta": SampleMeta(
                sample_id=row["sample_id"],
                uri=row["uri"],
                frames=tuple(frames),
                fps=row["fps"] / self.options.stride,
                source_fps=row["fps"],
                object_ids=tuple(entry.object_id for entry in drawn.objects),
                class_names=tuple(entry.class_name for entry in drawn.objects),
                **more,
            ),
        }

    def _placement(
        self, row: dict[str, Any], *, centre: tuple[float, float] | None = None
    ) -> Placement:
        source = row["width"], row["height"]
        target = self.options.width, self.options.height
        if self.options.fit == "stretch":
            return Placement.stretched(source, target)
        return Placement.cropped(source, target, centre=centre)


class MotionDataset(_SampleDataset[MotionSample]):
    """Stage 1: a clip, its object tracks drawn over it, a caption.

    Args:
        workspace: A workspace, its path or URL.
        options: Size, frames, strides, chances.
        samples: Name of the sample set.

    Attributes:
        index: Where the samples are; those not ready for the stage or too short are not in it.
        num_too_short: Samples left out because they are shorter than `min_frames`.

    Raises:
        UsageError: There are no samples.
        CorruptFileError: A part is damaged.
    """

    stage = 1

    def _build(self, number: int, row: dict[str, Any], rng: np.random.Generator) -> MotionSample:
        frames = self._frames(row)
        objects = thinned(tracked_objects(row, frames), rng, dropout=self.options.point_dropout)
        drawn = _Drawn(frames, self._placement(row), objects)
        return MotionSample(**self._parts(number, row, drawn))


class InOutDataset(_SampleDataset[InOutSample]):
    """Stage 2: a clip, a region that one object is outside of at the start, and its picture.

    One object with an identity image is drawn at random, and one of its largest regions. Points
    of the other objects that are outside the region at the start are dropped; those of the
    chosen object stay wherever they are. With `fit="crop"` the crop is centred on the region.

    Arguments, attributes and errors are those of `MotionDataset`.
    """

    stage = 2

    def _build(self, number: int, row: dict[str, Any], rng: np.random.Generator) -> InOutSample:
        frames = self._frames(row)
        chosen, region = choose_identity(row, rng, largest_regions=self.options.largest_regions)
        objects = [
            entry if entry.object_id == chosen["object_id"] else entry.only(inside(entry, region))
            for entry in tracked_objects(row, frames)
        ]
        x0, y0, x1, y1 = region
        placement = self._placement(row, centre=((x0 + x1) / 2, (y0 + y1) / 2))
        drawn = _Drawn(frames, placement, thinned(objects, rng, dropout=self.options.point_dropout))
        dropped = bool(rng.random() < self.options.drop_identity)
        parts = self._parts(
            number, row, drawn, identity=chosen["object_id"], identity_dropped=dropped
        )
        x0, y0, x1, y1 = box = placement.box(region)
        mask = torch.zeros((1, self.options.height, self.options.width))
        mask[:, y0:y1, x0:x1] = 1
        parts["first_frame"] = torch.where(mask.bool(), parts["first_frame"], -1.0)
        blank = torch.full_like(parts["first_frame"], -1.0)
        picture = blank if dropped else padded(chosen["reference"]["png"], onto=blank)
        return InOutSample(**parts, region_mask=mask, region=torch.tensor(box), identity=picture)
