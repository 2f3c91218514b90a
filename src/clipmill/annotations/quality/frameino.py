"""Image quality by the models of the published pipeline, on the same three frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import RUNTIME, Backend, BackendConfig, ClipInput, Needs
from clipmill.annotations.optional import needed_from
from clipmill.annotations.quality.embedded import sampled_frames
from clipmill.annotations.quality.measures import formulas
from clipmill.annotations.quality.measures.found_text import boxes_by_frame
from clipmill.annotations.quality.schema import QualityRow
from clipmill.annotations.quality.scores.frame_scores import (
    Corners,
    FrameScore,
    ScoreOptions,
    ScoreSpec,
    TextScore,
)

ScoreName = Literal["text", "image_quality", "aesthetic", "complexity"]

_HERE = "clipmill.annotations.quality.scores"

SCORES: Mapping[ScoreName, ScoreSpec] = {
    "text": ScoreSpec(f"{_HERE}.text_easyocr:EasyOcrText", ("torch",), "easyocr"),
    "image_quality": ScoreSpec(f"{_HERE}.clip_iqa:ClipIqa", ("torch",), "clipiqa+"),
    "aesthetic": ScoreSpec(f"{_HERE}.nima:Nima", ("torch",), "nima"),
    "complexity": ScoreSpec(f"{_HERE}.complexity:Complexity", ("torch",), "ic9600"),
}
"""The learned scores by the name that the settings use."""

_EXTRA = "frameino"


class FrameinoQualityConfig(BackendConfig):
    """Settings; the defaults are the published ones.

    Attributes:
        scores: Learned scores to compute; the columns of others stay empty.
        frames_per_call: Frames that go through a network at once; a clip's three, and for
            complexity on a GPU those of eight clips, when None.
        mixed_precision: Compute in bfloat16 on GPUs that have it; scores change in about the
            third digit.
        device: Torch device; `auto` takes a GPU when there is one.
        weights: Hand-placed weights by score, used instead of the registry's: a folder for
            `image_quality`, a file or folder for the others.
    """

    scores: tuple[ScoreName, ...] = Field(default=tuple(SCORES), min_length=1)
    frames_per_call: Annotated[int | None, RUNTIME] = Field(default=None, ge=1)
    mixed_precision: bool = False
    device: Annotated[str, RUNTIME] = "auto"
    weights: Annotated[Mapping[ScoreName, str], RUNTIME] = Field(default_factory=dict)


@dataclass(frozen=True)
class SampledFrames:
    """A loaded clip.

    Attributes:
        places: The sampled frames, counted from the clip's start.
        clarity: Of the first of them.
        prepared: For each score, the frames in its network's form.
    """

    places: tuple[int, ...]
    clarity: float
    prepared: Mapping[ScoreName, Sequence[Any]]


class FrameinoQuality(Backend):
    """EasyOCR's text area, CLIP-IQA+, NIMA, IC9600 and clarity; means over three frames."""

    annotation = "quality"
    name = "frameino"
    version = 2
    Config = FrameinoQualityConfig
    Row = QualityRow
    # The modules of single scores are those of `wanted_modules`, which knows the settings.
    needs = Needs(
        modules=("torch",),
        extra=_EXTRA,
        weights=tuple(spec.weights for spec in SCORES.values()),
        licence=(
            "weights: EasyOCR Apache-2.0; CLIP-IQA+, NIMA PolyForm-Noncommercial-1.0.0 (pyiqa); "
            "IC9600 none stated"
        ),
    )
    batch_size = 8

    config: FrameinoQualityConfig

    @classmethod
    def wanted_modules(cls, config: FrameinoQualityConfig) -> tuple[str, ...]:
        """Return the modules of the wanted scores."""
        wanted = (module for name in config.scores for module in SCORES[name].modules)
        return tuple(dict.fromkeys((*cls.needs.modules, *wanted)))

    @classmethod
    def wanted_weights(cls, config: FrameinoQualityConfig) -> tuple[str, ...]:
        """Return the weights of the wanted scores that are not placed by hand."""
        return tuple(SCORES[name].weights for name in config.scores if name not in config.weights)

    @classmethod
    def identity(cls, config: FrameinoQualityConfig) -> dict[str, str]:
        """Name each score's network and the checksum of its weights.

        Raises:
            MissingExtraError: A package of a wanted score is not installed.
            MissingWeightsError: The weights of a wanted score are not there.
        """
        found: dict[str, str] = {}
        for name in config.scores:
            spec = SCORES[name]
            spec.check_modules(what=_what(name), extra=_EXTRA)
            facts = spec.checkpoint(config.weights.get(name)).identity()
            found |= {f"{name}.{key}": value for key, value in facts.items()}
        return found

    def setup(self) -> None:
        """Load the wanted networks.

        Raises:
            MissingExtraError: A package is not installed.
            WeightsError: Weights are missing or do not fit.
        """
        options = ScoreOptions(
            device=self.config.device,
            mixed_precision=self.config.mixed_precision,
            frames_per_call=self.config.frames_per_call,
        )
        self._scores: dict[ScoreName, FrameScore] = {}
        for name in self.config.scores:
            SCORES[name].check_modules(what=_what(name), extra=_EXTRA)
            with needed_from(_EXTRA, what=_what(name)):
                self._scores[name] = SCORES[name].make(self.config.weights.get(name), options)

    def load(self, item: ClipInput) -> SampledFrames:
        """Decode the sampled frames at source size, once for all scores."""
        places = sampled_frames(item.clip.num_frames)
        with item.open() as reader:
            frames = reader.frames([item.clip.start + place for place in places])
        return SampledFrames(
            places=places,
            clarity=formulas.clarity(formulas.grey_of(frames[0])),
            prepared={
                name: [score.prepare(frame) for frame in frames]
                for name, score in self._scores.items()
            },
        )

    def annotate(self, batch: Sequence[SampledFrames]) -> list[QualityRow]:
        """Measure the frames of all clips, score by score."""
        columns: list[dict[str, float]] = [{} for _ in batch]
        texts: list[list[list[Corners]] | None] = [None for _ in batch]
        counts = [len(clip.places) for clip in batch]
        for name, score in self._scores.items():
            frames = [frame for clip in batch for frame in clip.prepared[name]]
            if isinstance(score, TextScore):
                measured, found = score.locate(frames)
                boxes = iter(found)
                texts = [list(islice(boxes, count)) for count in counts]
            else:
                measured = score.measure(frames)
            for clip_columns, means in zip(columns, _means(measured, counts), strict=True):
                clip_columns |= dict(zip(score.columns, means, strict=True))
        return [_row(*parts) for parts in zip(batch, columns, texts, strict=True)]


def _what(name: str) -> str:
    return f"quality backend 'frameino', score '{name}'"


def _means(values: npt.NDArray[np.float64], counts: Sequence[int]) -> list[list[float]]:
    """Average the frames of each clip: float64 [sum of counts, C] to a list of C per clip."""
    parts = np.split(values, np.cumsum(counts)[:-1])
    return [part.mean(axis=0).tolist() for part in parts]


def _row(
    clip: SampledFrames, columns: Mapping[str, float], texts: list[list[Corners]] | None
) -> QualityRow:
    return QualityRow(
        text_area=columns.get("text_area"),
        num_text_boxes=columns.get("num_text_boxes"),
        clarity=clip.clarity,
        exposure=None,
        contrast=None,
        colorfulness=None,
        noise=None,
        blockiness=None,
        entropy=None,
        image_quality=columns.get("image_quality"),
        aesthetic=columns.get("aesthetic"),
        complexity=columns.get("complexity"),
        frames=clip.places,
        text_boxes=None if texts is None else boxes_by_frame(clip.places, texts),
    )
