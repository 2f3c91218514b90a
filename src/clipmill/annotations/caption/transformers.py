"""Backend `transformers`: Qwen2.5-VL (Bai et al., 2025) in this process."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field

from clipmill.annotations.base import RUNTIME, BackendConfig, Needs
from clipmill.annotations.caption.asking import (
    Answer,
    ModelCaption,
    ModelCaptionConfig,
    Question,
)
from clipmill.annotations.checkpoints import Checkpoint
from clipmill.annotations.optional import needed_from
from clipmill.errors import ClipError


class TransformersCaptionConfig(ModelCaptionConfig):
    """Settings."""

    revision: str | None = Field(None, description="Commit or tag on the hub.")
    weights: Annotated[str | None, RUNTIME] = Field(
        None, description="Folder to load instead, placed by hand."
    )
    device: Annotated[str, RUNTIME] = Field("auto", description="auto, cuda, cuda:N, mps or cpu.")
    captions_per_call: Annotated[int, RUNTIME] = Field(
        4, ge=1, description="Captions that are written at once."
    )

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
    )
    batch_size: ClassVar[int] = 4
    config: TransformersCaptionConfig

    @classmethod
    def identity(cls, config: TransformersCaptionConfig) -> dict[str, str]:
        """Name the checkpoint."""
        return config.checkpoint.identity()

    def setup(self) -> None:
        """Load the checkpoint."""
        what = f"caption backend '{self.name}'"
        with needed_from(self.needs.extra, what=what):
            from clipmill.models.device import choose_device
            from clipmill.models.qwen_vl import VideoCaptioner
        location, revision = self.config.checkpoint.locate()
        device = choose_device(self.config.device, need_gpu=self.needs.gpu, what=what)
        self._captioner = VideoCaptioner(location, revision=revision, device=device)

    def ask(self, questions: Sequence[Question]) -> Sequence[Answer | ClipError]:
        """Write the captions, several per call."""
        from clipmill.models.batching import in_batches
        from clipmill.models.qwen_vl import Shown

        def work(some: Sequence[Question]) -> list[Answer | ClipError]:
            for question in some:
                question.check()
            shown = [Shown(q.pictures, q.times, self.prompt_for(q)) for q in some]
            texts = self._captioner.write(shown, max_tokens=self.config.max_tokens)
            return [Answer(text.text, cut=text.cut) for text in texts]

        return in_batches(work, questions, size=self.config.captions_per_call)
