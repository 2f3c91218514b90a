"""Captions by a vision-language model: frames and prompt, checks, one retry, rows.

What all caption models have in common; a backend adds how a model is asked.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.annotations.caption.checks import cleaned, problem_with, whole_sentences
from clipmill.annotations.caption.prompt import DEFAULT_PROMPT, fill_prompt
from clipmill.annotations.caption.schema import AnchorCaption, CaptionRow
from clipmill.annotations.objects.schema import ObjectsRow
from clipmill.clips import text_id_for
from clipmill.errors import ClipError

ATTEMPTS = 2


class ModelCaptionConfig(BackendConfig):
    """Settings that all caption models share."""

    model: str = Field("Qwen/Qwen2.5-VL-32B-Instruct", description="Name of the model.")
    prompt: str = Field(DEFAULT_PROMPT, description="May hold {times}, {min_words}, {max_words}.")
    min_words: int = Field(20, ge=1, description="Length asked for.")
    max_words: int = Field(40, ge=1, description="Length asked for.")
    words_limit: int = Field(100, ge=1, description="An answer with more words is refused.")
    forbidden: tuple[str, ...] = Field(("gesture",), description="Words that may not occur.")
    max_tokens: int = Field(128, ge=1, description="Longest answer, in tokens.")
    every: int = Field(16, ge=1, description="Distance of the frames shown.")
    span: int = Field(160, ge=1, description="Frames from the anchor on that are looked at.")
    long_side: int = Field(384, ge=56, description="Frame size, longer side; aspect ratio kept.")
    prefer_provided: bool = Field(
        False, description="Take the data set's own text where there is one, and ask nothing."
    )


@dataclass
class Question:
    """One caption to be written, and what came back so far.

    Answers stay here, so that a batch that is run again (in halves, after one clip failed) asks
    nothing twice.

    Attributes:
        anchor: Frame index from the clip's start.
        pictures: uint8 [N, H, W, 3], RGB.
        times: Seconds of the pictures after the first one.
        check: Deadline check of the clip.
        problem: What was wrong with the last answer; empty when there was none.
        attempts: Answers that came.
        text: The caption, once there is one.
        error: Why there will be none.
    """

    anchor: int
    pictures: npt.NDArray[np.uint8]
    times: tuple[float, ...]
    check: Callable[[], None]
    problem: str = ""
    attempts: int = 0
    text: str = ""
    error: ClipError | None = None

    @property
    def open(self) -> bool:
        """Whether the model has to be asked."""
        return not self.text and self.error is None


@dataclass(frozen=True)
class Answer:
    """What a model said.

    Attributes:
        text: As it came.
        cut: Whether it ran out of tokens.
    """

    text: str | None
    cut: bool = False


@dataclass(frozen=True)
class LoadedQuestions:
    """A clip: either the text it came with, or one question per anchor."""

    anchors: tuple[int, ...]
    provided: str
    questions: tuple[Question, ...]


class ModelCaption(Backend):
    """One caption per anchor that has objects, or one for frame 0."""

    annotation: ClassVar[str] = "caption"
    Row: ClassVar[type] = CaptionRow
    reads: ClassVar[tuple[str, ...]] = ("objects",)
    config: Any

    @classmethod
    def reads_text(cls, config: Any) -> bool:
        """Whether it takes the text of the data set where there is one."""
        return bool(config.prefer_provided)

    def load(self, item: ClipInput) -> LoadedQuestions:
        """Decode the frames shown, at the size shown, in one pass."""
        objects: ObjectsRow = item.rows["objects"]
        anchors = tuple(sorted(a.index for a in objects.anchors if a.objects)) or (0,)
        given = (item.video.text or "").strip() if self.config.prefer_provided else ""
        if given:
            return LoadedQuestions(anchors, given, ())
        return LoadedQuestions(anchors, "", self._questions(item, anchors))

    def _questions(self, item: ClipInput, anchors: Sequence[int]) -> tuple[Question, ...]:
        from clipmill.video import FrameSize, fit_within

        config, length = self.config, item.clip.num_frames
        shown = {
            anchor: range(anchor, min(anchor + config.span, length), config.every)
            for anchor in anchors
        }
        numbers = sorted({frame for frames in shown.values() for frame in frames})
        places = {frame: place for place, frame in enumerate(numbers)}
        with item.open() as reader:
            seconds = reader.index.seconds[item.clip.start : item.clip.end]
            size = fit_within(reader.width, reader.height, long_side=config.long_side)
            pictures = reader.frames(
                [item.clip.start + frame for frame in numbers], size=FrameSize(*size)
            )
        return tuple(
            Question(
                anchor=anchor,
                pictures=pictures[[places[frame] for frame in frames]],
                times=tuple(float(seconds[frame] - seconds[anchor]) for frame in frames),
                check=item.check,
            )
            for anchor, frames in shown.items()
        )

    @abstractmethod
    def ask(self, questions: Sequence[Question]) -> Sequence[Answer | ClipError]:
        """Ask the model once for each question; an error fails the clip of that question."""

    def prompt_for(self, question: Question) -> str:
        """Return the text that goes with the pictures of a question."""
        return fill_prompt(
            self.config.prompt,
            question.times,
            min_words=self.config.min_words,
            max_words=self.config.max_words,
            problem=question.problem,
        )

    def annotate(self, batch: Sequence[LoadedQuestions]) -> Sequence[CaptionRow]:
        """Ask for all captions of the batch at once, and once more for those that are no good.

        Raises:
            ClipError: A caption could not be had; a batch is then run again clip by clip.
        """
        questions = [question for loaded in batch for question in loaded.questions]
        for _ in range(ATTEMPTS):
            waiting = [question for question in questions if question.open]
            if waiting:
                for question, answer in zip(waiting, self.ask(waiting), strict=True):
                    self._take(question, answer)
        for question in questions:
            if question.error is not None:
                raise question.error
        return [self._row(loaded) for loaded in batch]

    def _take(self, question: Question, answer: Answer | ClipError) -> None:
        if isinstance(answer, ClipError):
            question.error = answer
            return
        text = cleaned(answer.text)
        if answer.cut:
            # Half a sentence is not worth keeping; without a whole one the answer is too long.
            text = whole_sentences(text)
        question.problem = problem_with(
            text, max_words=self.config.words_limit, forbidden=self.config.forbidden
        )
        if answer.cut and not text:
            question.problem = f"it was not at an end after {self.config.max_tokens} tokens"
        question.attempts += 1
        if not question.problem:
            question.text = text
        elif question.attempts >= ATTEMPTS:
            question.error = ClipError(
                f"{self.config.model} gave no usable caption for frame {question.anchor} in "
                f"{ATTEMPTS} attempts: {question.problem}; its last answer began: "
                f"{(answer.text or '')[:80]!r}"
            )

    def _row(self, loaded: LoadedQuestions) -> CaptionRow:
        texts = {question.anchor: question.text for question in loaded.questions}
        captions = tuple(
            AnchorCaption(anchor, loaded.provided or texts[anchor]) for anchor in loaded.anchors
        )
        return CaptionRow(
            captions=captions,
            origin="provided" if loaded.provided else "model",
            model="" if loaded.provided else self.config.model,
            num_words=len(captions[0].text.split()),
            given=text_id_for(loaded.provided),
        )
