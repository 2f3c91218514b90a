"""Backend `transformers`: Qwen2.5-VL (Bai et al., 2025) in this process."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from clipmill.annotations.base import RUNTIME, BackendConfig, Needs
from clipmill.annotations.caption.asking import (
    Answer,
    ModelCaption,
    ModelCaptionConfig,
    Question,
)
from clipmill.annotations.checkpoints import Checkpoint
from clipmill.annotations.optional import needed_from
from clipmill.errors import ClipError, UsageError

_PATCHES = 28
"""Frames are resized to multiples of so many pixels: two patches, which make a token."""

_SMALLEST = 56
"""Side of the smallest frame that is asked for, see `long_side`."""


class TransformersCaptionConfig(ModelCaptionConfig):
    """Settings."""

    revision: str | None = Field(None, description="Commit or tag on the hub.")
    weights: Annotated[str | None, RUNTIME] = Field(
        None, description="Folder to load instead, placed by hand."
    )
    device: Annotated[str, RUNTIME] = Field("auto", description="auto, cuda, cuda:N, mps or cpu.")
    captions_per_call: Annotated[int, RUNTIME] = Field(
        4, ge=1, description="Captions that are written at once, at most."
    )
    pixels_per_call: Annotated[int, RUNTIME] = Field(
        8_000_000,
        ge=1,
        description="Frames x pixels that are shown at once, at most: fewer captions go together.",
    )

    @property
    def most_frames(self) -> int:
        """Frames of one caption, at most."""
        return -(-self.span // self.every)

    @model_validator(mode="after")
    def _check_pixels(self) -> Self:
        side = -(-self.long_side // _PATCHES) * _PATCHES
        pixels = (self.most_frames + self.most_frames % 2) * side**2
        if pixels > self.pixels_per_call:
            raise ValueError(
                f"one caption shows up to {pixels:,} frames x pixels, more than "
                f"`pixels_per_call` ({self.pixels_per_call:,}): make `long_side` or `span` smaller "
                "or `every` larger, or raise `pixels_per_call` if the GPU has memory for it"
            )
        return self

    @property
    def checkpoint(self) -> Checkpoint:
        """The model."""
        return Checkpoint(self.model, self.revision, self.weights)


class TransformersCaption(ModelCaption):
    """The frames of an anchor are shown as a video with their true distance in time."""

    name: ClassVar[str] = "transformers"
    version: ClassVar[int] = 2
    Config: ClassVar[type[BackendConfig]] = TransformersCaptionConfig
    needs: ClassVar[Needs] = Needs(
        modules=("torch", "transformers"),
        extra="frameino",
        gpu=True,
        weights=("qwen2.5-vl",),
        licence="Apache-2.0 (Qwen2.5-VL 7B and 32B; 3B and 72B have licences of their own)",
        gpu_memory=74.0,  # 68.3 GB of weights, a tenth of it for a call; what it loads is checked
        otherwise=(
            "a smaller model (caption.config.model=Qwen/Qwen2.5-VL-7B-Instruct), or a server with "
            "the model (caption.backend=openai)"
        ),
    )
    batch_size: ClassVar[int] = 4
    config: TransformersCaptionConfig

    @classmethod
    def gpu_memory(cls, config: TransformersCaptionConfig) -> float:
        """Return the GiB of the published model; those of any other one are not known."""
        spec = config.checkpoint.spec
        return cls.needs.gpu_memory if spec and spec.name in cls.needs.weights else 0.0

    @classmethod
    def identity(cls, config: TransformersCaptionConfig) -> dict[str, str]:
        """Name the checkpoint."""
        return config.checkpoint.identity()

    def setup(self) -> None:
        """Load the checkpoint.

        Raises:
            UsageError: It enlarges frames beyond what a call may show.
        """
        what = f"caption backend '{self.name}'"
        with needed_from(self.needs.extra, what=what):
            from clipmill.models.device import choose_device
            from clipmill.models.qwen_vl import VideoCaptioner
        location, revision = self.config.checkpoint.locate()
        device = choose_device(self.config.device, need_gpu=self.needs.gpu, what=what)
        self._captioner = VideoCaptioner(location, revision=revision, device=device)
        least = self._captioner.pixels((self.config.most_frames, _SMALLEST, _SMALLEST))
        if least > self.config.pixels_per_call:
            raise UsageError(
                f"{what}: {self.config.model} enlarges small frames (`min_pixels`), so that one "
                f"caption shows {least:,} frames x pixels, more than `pixels_per_call` "
                f"({self.config.pixels_per_call:,}): make `span` smaller or `every` larger, or "
                "raise `pixels_per_call` if the GPU has memory for it"
            )

    def ask(self, questions: Sequence[Question]) -> Sequence[Answer | ClipError]:
        """Write the captions, several per call as far as the bounds of a call allow."""
        from clipmill.models.batching import in_batches, runs_within
        from clipmill.models.qwen_vl import Shown

        def work(some: Sequence[Question]) -> list[Answer | ClipError]:
            for question in some:
                question.check()
            shown = [Shown(q.pictures, q.times, self.prompt_for(q)) for q in some]
            texts = self._captioner.write(shown, max_tokens=self.config.max_tokens)
            return [Answer(text.text, cut=text.cut) for text in texts]

        runs = runs_within(
            [self._captioner.pixels(question.pictures.shape[:3]) for question in questions],
            most=self.config.captions_per_call,
            bound=self.config.pixels_per_call,
        )
        answers: list[Answer | ClipError] = []
        for length in runs:
            together = questions[len(answers) : len(answers) + length]
            answers += in_batches(work, together, size=length)
        return answers
