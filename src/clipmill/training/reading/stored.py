"""Samples as they are stored, before anything is drawn or decoded: what datasets read them from."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.video import FrameIndex


@dataclass(frozen=True)
class StoredRegion:
    """A Frame-In / Frame-Out region: x0, y0, x1, y1 in source pixels, half-open; area in pixels."""

    box: tuple[int, ...]
    area: int


@dataclass(frozen=True, eq=False)
class StoredObject:
    """An object of a sample.

    Attributes:
        object_id: The object.
        class_name: Its class.
        points: float32 [T, N, 2], x, y in source pixels, from the sample's first frame on.
        seen: bool [T, N].
        stage2: Whether it can be the identity of a stage-2 sample.
        regions: Its regions.
        picture: Reads its main identity image, a PNG file; None when there is none. Raises
            ClipError when the file is gone.
    """

    object_id: str
    class_name: str
    points: npt.NDArray[np.float32]
    seen: npt.NDArray[np.bool_]
    stage2: bool = False
    regions: tuple[StoredRegion, ...] = ()
    picture: Callable[[], bytes] | None = None


@dataclass(frozen=True, eq=False)
class StoredSample:
    """A sample.

    Attributes:
        sample_id: The sample.
        uri: Its video.
        size_bytes: Size the video should have; None when not known.
        frame_index: Index of the video; None when not known, the video is then indexed again.
        first: The sample's first frame, from 0 at the start of the video.
        num_frames: Frames from there to the clip's end.
        width: Of the video as displayed, pixels.
        height: Of the video as displayed, pixels.
        fps: Frames per second.
        caption: Text.
        caption_origin: `provided`, `model` or `template`; empty without a caption.
        objects: Its objects.
    """

    sample_id: str
    uri: str
    size_bytes: int | None
    frame_index: FrameIndex | None
    first: int
    num_frames: int
    width: int
    height: int
    fps: float
    caption: str
    caption_origin: str
    objects: tuple[StoredObject, ...]

    @property
    def tracked(self) -> int:
        """Frames from the first on that have tracks."""
        return max((len(entry.seen) for entry in self.objects), default=0)


@dataclass(frozen=True, eq=False)
class SampleIndex:
    """What is known of n samples without reading them; about 80 bytes a sample.

    Attributes:
        sample_id: bytes [n].
        num_frames: int32 [n], frames from the sample's first to the clip's end.
        width: int32 [n], pixels of the video.
        height: int32 [n], pixels of the video.
        stage: bool [n, 2], ready for stage 1, ready for stage 2.
        shard: int32 [n], samples with the same number are read from disk together.
        place: int64 [n, k], where the source finds the sample.
    """

    sample_id: npt.NDArray[np.bytes_]
    num_frames: npt.NDArray[np.int32]
    width: npt.NDArray[np.int32]
    height: npt.NDArray[np.int32]
    stage: npt.NDArray[np.bool_]
    shard: npt.NDArray[np.int32]
    place: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sample_id)

    @classmethod
    def joined(cls, chunks: Sequence["SampleIndex"]) -> "SampleIndex":
        """Return one index of all samples of several, in their order."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(c, name) for c in chunks]) for name in names))

    def take(self, numbers: npt.NDArray[Any]) -> "SampleIndex":
        """Return the index of the samples with these numbers (or where a mask is True)."""
        return SampleIndex(*(getattr(self, field.name)[numbers] for field in fields(self)))


class SampleSource(ABC):
    """Gives samples by number. May be pickled, and carried over a fork.

    Attributes:
        index: Of the samples that can be asked for.
    """

    index: SampleIndex

    @abstractmethod
    def read(self, number: int) -> StoredSample:
        """Read a sample.

        Raises:
            CorruptFileError: A file of it is damaged; the text names file and remedy.
            ClipError: A file of it is missing.
            UsageError: The files were written again since they were opened.
        """

    def keep(self, mask: npt.NDArray[np.bool_]) -> None:
        """Leave out the samples where a mask [n] is False."""
        self.index = self.index.take(mask)
