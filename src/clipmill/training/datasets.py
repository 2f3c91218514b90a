"""Map-style datasets over the samples of a workspace."""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.utils.data import Dataset

from clipmill.clips import seed_for
from clipmill.errors import ClipError, UsageError
from clipmill.store.codecs import decode_bits, decode_tracks
from clipmill.store.workspace import Workspace
from clipmill.training.draw import draw_tracks
from clipmill.training.items import InOutSample, MotionSample, SampleMeta
from clipmill.training.options import LoadOptions, frame_count, span_of
from clipmill.training.placement import Placement
from clipmill.training.rows import RowReader, read_index
from clipmill.training.videos import VideoFiles

SampleT = TypeVar("SampleT", bound=MotionSample)


@dataclass(frozen=True, eq=False)
class _Tracked:
    """An object that is drawn: points float32 [T, N, 2] in source pixels, visibility [T, N]."""

    object_id: str
    class_name: str
    points: npt.NDArray[np.float32]
    seen: npt.NDArray[np.bool_]

    def only(self, keep: npt.NDArray[Any]) -> "_Tracked":
        return _Tracked(self.object_id, self.class_name, self.points[:, keep], self.seen[:, keep])


@dataclass(frozen=True, eq=False)
class _Drawn:
    """The parts that both stages share."""

    frames: range
    placement: Placement
    objects: tuple[_Tracked, ...]


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

    def _objects(self, row: dict[str, Any], frames: range) -> list[_Tracked]:
        """Return the objects with their points at the frames taken."""
        found = []
        for entry in row["objects"]:
            points, seen = decode_tracks(entry["points"]), decode_bits(entry["visibility"])
            numbers = np.array(frames)
            there = numbers < len(points)
            numbers = np.minimum(numbers, len(points) - 1)
            found.append(
                _Tracked(
                    entry["object_id"],
                    entry["class_name"],
                    points[numbers],
                    seen[numbers] & there[:, None],
                )
            )
        return found

    def _thinned(self, objects: list[_Tracked], rng: np.random.Generator) -> tuple[_Tracked, ...]:
        """Apply the point dropout; objects without a point go."""
        left = []
        for entry in objects:
            count = entry.points.shape[1]
            if count:
                keep = np.asarray(rng.random(count) >= self.options.point_dropout)
                spared = rng.integers(count)
                if not keep.any():
                    keep[spared] = True
                left.append(entry.only(keep))
        return tuple(left)

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
        objects = self._thinned(self._objects(row, frames), rng)
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
        chosen, region = self._choose(row, rng)
        objects = [
            entry if entry.object_id == chosen["object_id"] else entry.only(_inside(entry, region))
            for entry in self._objects(row, frames)
        ]
        x0, y0, x1, y1 = region
        placement = self._placement(row, centre=((x0 + x1) / 2, (y0 + y1) / 2))
        drawn = _Drawn(frames, placement, self._thinned(objects, rng))
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

    def _choose(
        self, row: dict[str, Any], rng: np.random.Generator
    ) -> tuple[dict[str, Any], tuple[int, ...]]:
        """Draw the identity and one of its largest regions."""
        able = [o for o in row["objects"] if o["stage2"] and o["reference"] and o["regions"]]
        if not able:
            raise ClipError(
                f"sample {row['sample_id']} has no object with an identity image and a region"
            )
        chosen = able[rng.integers(len(able))]
        boxes = sorted((r["area"], tuple(r["box"])) for r in chosen["regions"])
        boxes = boxes[-self.options.largest_regions :]
        return chosen, boxes[rng.integers(len(boxes))][1]


def _inside(entry: _Tracked, region: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Tell which points lie in a half-open box at the first frame."""
    start = entry.points[0]
    return ((start >= region[:2]) & (start < region[2:])).all(axis=1)


def padded(png: bytes, *, onto: torch.Tensor) -> torch.Tensor:
    """Scale a PNG so that it just fits, and put it into the middle of a picture.

    Args:
        png: RGB image file.
        onto: float32 [3, H, W] in [-1, 1]; changed and returned.
    """
    with Image.open(io.BytesIO(png)) as file:
        image = file.convert("RGB")
    height, width = onto.shape[1:]
    scale = min(width / image.width, height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    pixels = np.asarray(image.resize(size, Image.Resampling.BICUBIC), np.float32)
    x, y = (width - size[0]) // 2, (height - size[1]) // 2
    centred = torch.from_numpy(pixels).permute(2, 0, 1) / 127.5 - 1
    onto[:, y : y + size[1], x : x + size[0]] = centred
    return onto
