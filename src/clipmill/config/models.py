"""Models of the pipeline file. A step is told apart by its first word: `annotate: probe`."""

from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    field_validator,
)

from clipmill.config.positions import Places
from clipmill.selection.rules import Rule


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


SourceKind = Literal[
    "auto",
    "folder",
    "csv",
    "parquet",
    "jsonl",
    "json",
    "openvid",
    "vidgen",
    "opens2v",
    "huggingface",
    "webdataset",
]


_LONGEST_NAME = 100


def _plain_name(name: str) -> str:
    """Refuse names that cannot be a file's: results are kept under the step's name."""
    if not name.strip() or name in (".", "..") or not name.isprintable() or set(name) & set("/\\"):
        raise ValueError(
            f"the name {name!r} cannot be that of a folder; use letters, digits, spaces, - and _"
        )
    if len(name.encode()) > _LONGEST_NAME:
        raise ValueError(f"the name is longer than {_LONGEST_NAME} bytes; choose a shorter one")
    return name


StepName = Annotated[str, AfterValidator(_plain_name)]
"""Name of a selection or a sample set: a folder of the workspace."""


class SourceConfig(_Strict):
    """Where videos come from.

    Attributes:
        path: Folder, a single video file, a manifest, a tar archive, or an fsspec URL of one.
        name: Keeps video ids of several sources apart; required only when folder names collide.
        kind: What is there; `auto` tells by the suffix of a file and the layout of a folder.
        root: Folder that the paths of a manifest are relative to, and may not leave; when empty,
            the manifest's own. A relative one starts at the manifest's folder.
        path_column: Column of a manifest that holds the path; found by its usual names when empty.
        caption_column: Column or JSON field that holds the caption; found by its usual names
            when empty.
        start_column: Column with the start of a part of the video; found by its usual names.
        end_column: Column with its end.
        times: What start and end count; `auto` goes by their names, `ignore` reads whole videos.
        encoding: Of tables and text files that are neither UTF-8 nor begin with a byte order
            mark, e.g. `cp1252`.
    """

    path: str
    name: str = ""
    kind: SourceKind = "auto"
    root: str = ""
    path_column: str = ""
    caption_column: str = ""
    start_column: str = ""
    end_column: str = ""
    times: Literal["auto", "seconds", "frames", "ignore"] = "auto"
    encoding: str = ""

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str) -> str:
        try:
            "".encode(encoding or "utf-8")
        except (LookupError, UnicodeError) as error:
            raise ValueError(
                f"no such encoding of texts: '{encoding}'; usual ones are cp1252, utf-16, gbk"
            ) from error
        return encoding


class StepSettings(_Strict):
    """Base of the entries of `steps`; each begins with its word.

    Attributes:
        word: The field that says what kind of step it is and names it: `annotate: probe`.
        tag: Kind of a step that shares its word with another kind; empty otherwise.
        shown: Name shown to users; `{}` stands for its own.
    """

    word: ClassVar[str]
    tag: ClassVar[str] = ""
    shown: ClassVar[str] = "{}"

    @property
    def name(self) -> str:
        """Name in the pipeline file, unique among the steps of its word."""
        return str(getattr(self, self.word))

    @property
    def title(self) -> str:
        """Name shown to users."""
        return self.shown.format(self.name)


SettingsT = TypeVar("SettingsT", bound=StepSettings)


class AnnotateStep(StepSettings):
    """Compute an annotation for every clip that is still in.

    Attributes:
        annotate: Name of the annotation.
        backend: Which implementation computes it.
        config: Settings of the backend.
        time_limit: Seconds one clip may take; the backend's default when None.
        unit_size: Clips per commit; the backend's default when None.
        batch_size: Clips per model call, at most; the backend's default when None.
        workers: Workers of this step; when None, as many as there is room for.
        gpus: Share of a GPU that each takes: 0.25 for four to a card; the backend's when None.
        decode_threads: Threads with which each decodes; when None, by the cores.
        ahead: Clips that each has decoded ahead of its model; when None, by the batch.
    """

    word: ClassVar[str] = "annotate"
    annotate: str
    backend: str = "embedded"
    config: dict[str, Any] = Field(default_factory=dict)
    time_limit: float | None = Field(default=None, gt=0)
    unit_size: int | None = Field(default=None, ge=1)
    batch_size: int | None = Field(default=None, ge=1)
    workers: int | None = Field(default=None, ge=1)
    gpus: float | None = Field(default=None, ge=0, le=1)
    decode_threads: int | None = Field(default=None, ge=1)
    ahead: int | None = Field(default=None, ge=1)


class SelectStep(StepSettings):
    """Drop clips or objects by rules over annotated columns.

    Attributes:
        select: Name of the step.
        level: Whether the rules judge clips or single objects.
        rules: Applied in order; columns are written `annotation.column`.
        min_population: Quantile rules drop nothing in a smaller population.
        min_kept_points: Object level only: an anchor goes when fewer than this share of its
            points belong to kept objects.
    """

    word: ClassVar[str] = "select"
    shown: ClassVar[str] = "{} selection"
    select: StepName
    level: Literal["clip", "object"] = "clip"
    rules: tuple[Rule, ...] = Field(min_length=1)
    min_population: int = Field(default=0, ge=0)
    min_kept_points: float = Field(default=0.0, ge=0.0, le=1.0)

    @field_validator("rules")
    @classmethod
    def _columns_are_qualified(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        for rule in rules:
            if rule.column.count(".") != 1:
                raise ValueError(
                    f"column '{rule.column}' must be written annotation.column, "
                    "for example quality.text_area"
                )
        return rules


class ReviewStep(StepSettings):
    """Drop what people dropped, see docs/review.md; `select: review` without rules.

    Attributes:
        select: `review`.
        overrides: Clip-level selections, before or behind this step, that a human `keep` overrules;
            `all` for all of them. Without one, a `keep` keeps what reaches this step.
        need: `keep` drops every clip that nobody kept.
        only_starred: Drop every clip that nobody starred.
        on_conflict: What becomes of a clip that one person keeps and another one drops.
    """

    word: ClassVar[str] = "select"
    tag: ClassVar[str] = "review"
    shown: ClassVar[str] = "{}"
    select: Literal["review"]
    overrides: Literal["all"] | tuple[StepName, ...] = ()
    need: Literal["keep"] | None = None
    only_starred: bool = False
    on_conflict: Literal["drop", "keep", "error"] = "drop"


class DedupStep(StepSettings):
    """Keep the best of each group of clips that show the same.

    Attributes:
        keep_best_by: Column whose highest value makes a clip the best of its group; where that is
            equal, and when empty, resolution (without bars) decides, then length, then id.
        best: Whether the highest or the lowest value of that column is the best.
        max_distance: Bits of 64 in which the pictures of two clips may differ, on average.
        min_overlap: Share of the pictures of the shorter clip that the other must have too.
        within_video: Whether two clips of one video that share no frame may count as the same.
    """

    word: ClassVar[str] = "select"
    tag: ClassVar[str] = "dedup"
    shown: ClassVar[str] = "{} selection"
    select: Literal["dedup"]
    keep_best_by: str = ""
    best: Literal["highest", "lowest"] = "highest"
    max_distance: float = Field(default=15.0, ge=0, le=32)
    min_overlap: float = Field(default=0.6, gt=0, le=1)
    within_video: bool = False

    @field_validator("keep_best_by")
    @classmethod
    def _names_a_column(cls, column: str) -> str:
        if column and column.count(".") != 1:
            raise ValueError(
                f"column '{column}' must be written annotation.column, for example quality.clarity"
            )
        return column


class WindowsSplit(StepSettings):
    """Cut long clips into windows of at most `max_frames`.

    Attributes:
        max_frames: Length of a window.
        max_windows: Windows kept per clip, from the start; all when None.
        min_frames: A shorter remainder is left out.
    """

    word: ClassVar[str] = "split"
    shown: ClassVar[str] = "window split"
    split: Literal["windows"]
    max_frames: int = Field(default=500, ge=1)
    max_windows: int | None = Field(default=None, ge=1)
    min_frames: int = Field(default=101, ge=1)


class ShotsSplit(StepSettings):
    """Cut clips at the shot boundaries that the `shots` annotation scored.

    Attributes:
        threshold: A frame whose score is greater begins a shot; the backend's default if None.
        min_frames: Shorter shots are left out; 101 is the reference's `> 100`.
        max_shots: Shots kept per clip, from the start; all when None.
    """

    word: ClassVar[str] = "split"
    shown: ClassVar[str] = "shot split"
    split: Literal["shots"]
    threshold: float | None = None
    min_frames: int = Field(default=101, ge=1)
    max_shots: int | None = Field(default=None, ge=1)


class SamplesStep(StepSettings):
    """Write training samples for every clip that is still in.

    Attributes:
        samples: Name of the sample set.
        stage2_min_frames: Frames from the anchor on that stage 2 needs; 97 gives 49 at stride 2.
        stage1_min_frames: Frames from the anchor on that stage 1 needs.
        tail_frames: Frames of a sample after the last one in which a kept object is seen.
    """

    word: ClassVar[str] = "samples"
    shown: ClassVar[str] = "samples"
    samples: StepName
    stage2_min_frames: int = Field(default=97, ge=1)
    stage1_min_frames: int = Field(default=1, ge=1)
    tail_frames: int = Field(default=8, ge=0)


SplitStep = WindowsSplit | ShotsSplit

_WORDS = ("split", "annotate", "select", "samples")


def _step_kind(value: Any) -> str | None:
    """Tag of a step: its word, or its kind where its name says that."""
    if isinstance(value, StepSettings):
        return value.name if value.word == "split" else value.tag or value.word
    if not isinstance(value, dict):
        return None
    word = next((word for word in _WORDS if word in value), None)
    name = str(value[word]) if word else ""
    if word == "select" and name == ReviewStep.tag:
        # Files of before it was a kind of its own may have named a selection so.
        return word if "rules" in value else name
    return name if word == "split" or (word, name) == ("select", DedupStep.tag) else word


Step = Annotated[
    Annotated[AnnotateStep, Tag("annotate")]
    | Annotated[SelectStep, Tag("select")]
    | Annotated[ReviewStep, Tag("review")]
    | Annotated[DedupStep, Tag("dedup")]
    | Annotated[WindowsSplit, Tag("windows")]
    | Annotated[ShotsSplit, Tag("shots")]
    | Annotated[SamplesStep, Tag("samples")],
    Discriminator(
        _step_kind,
        custom_error_type="unknown_step",
        custom_error_message=(
            "a step begins with one of: annotate: NAME, select: NAME, select: dedup, "
            "select: review, split: windows, split: shots, samples: NAME"
        ),
    ),
]


class Pipeline(_Strict):
    """A whole pipeline file.

    Attributes:
        name: Shown in reports.
        description: One line for `clipmill init` and the report.
        sources: Where videos come from; `--input` replaces them.
        steps: Read from top to bottom.
    """

    name: str
    description: str = ""
    sources: tuple[SourceConfig, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=1)

    _places: Places = PrivateAttr(default_factory=Places)

    @property
    def places(self) -> Places:
        """Where its parts were written; what a pipeline is does not depend on it."""
        return self._places

    def steps_of(self, kind: type[SettingsT]) -> tuple[SettingsT, ...]:
        """Return the steps of one kind, in order."""
        return tuple(step for step in self.steps if isinstance(step, kind))

    def placed(self, places: Places) -> "Pipeline":
        """Return the pipeline as it was written at these places."""
        copy = self.model_copy()
        copy._places = places
        return copy

    @field_validator("steps")
    @classmethod
    def _overrides_are_there(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        known = [step.name for step in steps if getattr(step, "level", "") == "clip"]
        named = [getattr(step, "overrides", ()) for step in steps if step.tag == ReviewStep.tag]
        for name in (name for names in named if names != "all" for name in names):
            if name not in known:
                raise ValueError(
                    f"select: review: overrides '{name}', which is no clip-level selection; "
                    f"there are: {', '.join(known) or 'none'}"
                )
        return steps

    @field_validator("steps")
    @classmethod
    def _names_are_unique(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        seen: set[tuple[str, str]] = set()
        for step in steps:
            key = step.word, step.name
            if key in seen:
                raise ValueError(
                    f"'{step.word}: {step.name}' is listed twice; step names are unique"
                )
            seen.add(key)
        return steps
