"""Perceptual hashes by a cosine transform: no weights, hardly more than the decoding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.annotations.hashes.perceptual.bars import inside_bars
from clipmill.annotations.hashes.perceptual.motion import motion_hashes
from clipmill.annotations.hashes.perceptual.signs import FLAT, sign_hashes
from clipmill.annotations.hashes.perceptual.views import view_pictures
from clipmill.annotations.hashes.schema import HashesRow
from clipmill.store.codecs import encode_array
from clipmill.video import FrameIndex, FrameSize

SIZE: Final = FrameSize(128, 128, "gray")
"""In which frames are decoded: fine enough for black bars, and parts of the picture."""


class PictureHashesConfig(BackendConfig):
    """Settings.

    Attributes:
        per_second: Frames hashed of each second. A copy that begins at another frame is looked at
            at other moments: where much moves, few frames a second find fewer of these.
        max_frames: Frames hashed of a clip, at most; of longer ones fewer a second.
    """

    per_second: float = Field(default=6.0, gt=0, le=60)
    max_frames: int = Field(default=180, ge=2, le=10_000)


@dataclass(frozen=True)
class SampledPictures:
    """Frames of a clip.

    Attributes:
        frames: uint8 [F, H, W], grey.
        seconds: float32 [F]: when, from the clip's start.
    """

    frames: npt.NDArray[np.uint8]
    seconds: npt.NDArray[np.float32]


class PictureHashes(Backend):
    """Hashes of the signs of a cosine transform, of the whole picture and of parts of it."""

    annotation = "hashes"
    name = "embedded"
    Config = PictureHashesConfig
    Row = HashesRow

    def load(self, item: ClipInput) -> SampledPictures:
        """Decode evenly spaced frames, small and grey."""
        with item.open() as reader:
            numbers, seconds = self._moments(reader.index, item.clip.start, item.clip.end)
            return SampledPictures(reader.frames(numbers.tolist(), size=SIZE), seconds)

    def _moments(
        self, index: FrameIndex, start: int, end: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return which frames are looked at, and when they are, from the clip's start."""
        times = index.seconds[start:end] - index.seconds[start]
        step = max(1.0 / self.config.per_second, float(times[-1]) / (self.config.max_frames - 1))
        wanted = np.arange(0.0, times[-1] + 1e-6, step)
        rows = np.unique(np.searchsorted(times, wanted - 1e-6).clip(0, len(times) - 1))
        return start + rows, times[rows].astype(np.float32)

    def annotate(self, batch: Sequence[Any]) -> list[HashesRow]:
        """Return one row per clip."""
        return [_row(pictures) for pictures in batch]


def _row(pictures: SampledPictures) -> HashesRow:
    inside = inside_bars(pictures.frames)
    seen = inside.cut(pictures.frames)
    views = view_pictures(seen)
    shown = views[:, 0].std(axis=(1, 2)) >= FLAT
    return HashesRow(
        hashes=encode_array(sign_hashes(views)[shown].view(np.int64)),
        motion=encode_array(motion_hashes(views, shown)[shown].view(np.int64)),
        times=encode_array(pictures.seconds[shown]),
        num_hashes=int(shown.sum()),
        bars=1.0 - seen[:1].size / max(pictures.frames[:1].size, 1),
    )
