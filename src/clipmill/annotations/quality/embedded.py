"""Image quality from three frames, with nothing to download and no made-up scores."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import RUNTIME, Backend, BackendConfig, ClipInput, Needs
from clipmill.annotations.quality.measures import formulas
from clipmill.annotations.quality.measures.found_text import boxes_by_frame
from clipmill.annotations.quality.measures.text import TextFinder, polygon_area, weights_checksum
from clipmill.annotations.quality.schema import QualityRow

PLACES = (0.0, 0.5, 0.95)
"""Where in the clip frames are looked at, as in the published pipeline."""


class EmbeddedQualityConfig(BackendConfig):
    """Settings.

    Attributes:
        text_long_side: Longer side of the frames that text is looked for in, pixels.
        text_min_score: Text that the recogniser is less sure of does not count, [0, 1].
        text_min_length: Text of fewer characters does not count.
        threads: Threads of the text network.
    """

    text_long_side: int = Field(default=864, ge=64)
    text_min_score: float = Field(default=0.5, ge=0, le=1)
    text_min_length: int = Field(default=2, ge=1)
    threads: Annotated[int, RUNTIME] = Field(default=1, ge=1)


class EmbeddedQuality(Backend):
    """Text area by RapidOCR, the rest by `formulas`; no learned quality score."""

    annotation = "quality"
    name = "embedded"
    version = 2
    Config = EmbeddedQualityConfig
    Row = QualityRow
    needs = Needs(modules=("rapidocr", "onnxruntime"), licence="Apache-2.0")

    @classmethod
    def identity(cls, config: Any) -> dict[str, str]:
        """Name the text networks and the checksums of their weights."""
        return {
            "model": "PP-OCR text detection and recognition",
            "detection_sha256": weights_checksum("det"),
            "recognition_sha256": weights_checksum("rec"),
        }

    def setup(self) -> None:
        """Load the text networks."""
        self._text = TextFinder(
            long_side=self.config.text_long_side,
            min_score=self.config.text_min_score,
            min_length=self.config.text_min_length,
            threads=self.config.threads,
        )

    def load(self, item: ClipInput) -> tuple[tuple[int, ...], npt.NDArray[np.uint8]]:
        """Decode the sampled frames at source size: their clip indices and uint8 [3, H, W, 3]."""
        places = sampled_frames(item.clip.num_frames)
        with item.open() as reader:
            return places, reader.frames([item.clip.start + place for place in places])

    def annotate(self, batch: Sequence[Any]) -> list[QualityRow]:
        """Measure the frames of each clip."""
        return [self._measure(places, frames) for places, frames in batch]

    def _measure(self, places: tuple[int, ...], frames: npt.NDArray[np.uint8]) -> QualityRow:
        greys = [formulas.grey_of(frame) for frame in frames]
        texts = [self._text.boxes(frame) for frame in frames]
        size = frames.shape[2], frames.shape[1]
        return QualityRow(
            text_area=_mean([sum(map(polygon_area, boxes)) for boxes in texts]),
            num_text_boxes=_mean([len(boxes) for boxes in texts]),
            clarity=formulas.clarity(greys[0]),
            exposure=_mean(map(formulas.exposure, greys)),
            contrast=_mean(map(formulas.contrast, greys)),
            colorfulness=_mean(map(formulas.colorfulness, frames)),
            noise=_mean(map(formulas.noise, greys)),
            blockiness=_mean(map(formulas.blockiness, greys)),
            entropy=_mean(map(formulas.entropy, greys)),
            image_quality=None,
            aesthetic=None,
            complexity=None,
            frames=places,
            text_boxes=boxes_by_frame(places, [list(boxes * size) for boxes in texts]),
        )


def sampled_frames(num_frames: int) -> tuple[int, ...]:
    """Return the clip indices of the sampled frames; a very short clip repeats some."""
    return tuple(int(place * num_frames) for place in PLACES)


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))
