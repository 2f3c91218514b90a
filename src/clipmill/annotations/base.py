"""The seam between the engine and a model: one abstract class, one file per backend.

An annotation takes a clip and gives one typed row. It never drops anything: thresholds live in
selections, so changing one reruns no model. Decoding (`load`) and the model (`annotate`) are
apart, so that the engine can decode ahead of the model and batch across clips.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from clipmill.annotations.server import Server
from clipmill.clips import Clip, Video, seed_for

if TYPE_CHECKING:
    from clipmill.annotations.probe.schema import ProbeRow
    from clipmill.video import VideoReader


class Runtime:
    """Marks a setting that says where and how fast something is computed, not what.

    Another machine, another place of the same weights (`identity` has their checksum) or another
    batch recomputes nothing: `device: Annotated[str, RUNTIME] = "auto"`.
    """


RUNTIME = Runtime()


class BackendConfig(BaseModel):
    """Base of every backend's settings: unknown fields are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def result_settings(self) -> dict[str, Any]:
        """Return the settings that decide the result, as plain data for the fingerprint."""
        runtime = {
            name for name, field in type(self).model_fields.items() if RUNTIME in field.metadata
        }
        return self.model_dump(mode="json", exclude=runtime)


def _no_check() -> None:
    """Stand-in for the deadline check outside an engine."""


@dataclass(frozen=True)
class ClipInput:
    """Everything a backend may know of a clip.

    Attributes:
        video: The source file.
        clip: Frame range; for `probe`, which runs before frames are counted, [0, 1).
        probe: Facts of the file and its frame index; None only for `probe` itself.
        rows: Rows of the annotations the backend reads, by annotation name.
        kept: Ids of the clip's objects that the selections before have kept; None where none has
            judged objects. Only for backends with `kept_of`.
        check: Called once per decoded frame and wherever a backend loops for long;
            raises `ClipTimeoutError` when the clip is over its limit.
    """

    video: Video
    clip: Clip
    probe: "ProbeRow | None" = None
    rows: Mapping[str, Any] = field(default_factory=dict)
    kept: frozenset[str] | None = None
    check: Callable[[], None] = _no_check

    def open(self) -> "VideoReader":
        """Open the video for exact frame access; use it as a context manager.

        Frame indices of the reader count from the start of the VIDEO: frame t of the clip is
        `clip.start + t`.
        """
        from clipmill.video import FrameIndex, VideoReader

        index = FrameIndex.from_bytes(self.probe.index) if self.probe else None
        return VideoReader(
            self.video.uri,
            index=index,
            expected_size_bytes=self.video.size_bytes,
            expected_stamp=self.video.stamp,
            on_frame=self.check,
        )

    def seed(self, *parts: str | int) -> int:
        """Return a seed that depends on the clip and the given parts only."""
        return seed_for(self.clip.clip_id, *parts)


@dataclass(frozen=True)
class Needs:
    """What a backend needs before it can start; checked before any work.

    Attributes:
        modules: Python modules to import, e.g. `("torch",)`.
        extra: The extra of clipmill that installs them.
        gpu: Whether it is hopeless without a GPU.
        weights: Names of model weights in the registry.
        licence: Licence of the method and its weights, as shown to users.
        cpus: Cores that a worker keeps busy.
        gpus: Share of a GPU that a worker takes where there is one. None: a whole one, if the
            backend has a setting `device` or is hopeless without.
        gpu_memory: GiB of GPU memory that a worker needs, weights and a batch; 0 if unknown.
        memory: GiB of memory that a worker needs; 0 if unknown.
        otherwise: What to take where no GPU has as much memory, e.g. another backend.
    """

    modules: tuple[str, ...] = ()
    extra: str = ""
    gpu: bool = False
    weights: tuple[str, ...] = ()
    licence: str = "Apache-2.0"
    cpus: float = 1.0
    gpus: float | None = None
    gpu_memory: float = 0.0
    memory: float = 0.0
    otherwise: str = ""


class Backend(ABC):
    """One implementation of an annotation.

    All backends of an annotation share `Row`, the frozen dataclass in the annotation's
    `schema.py`, hence one table layout.

    Attributes:
        annotation: Name of the annotation, e.g. `objects`.
        name: Name of the backend, e.g. `embedded`.
        version: Raised whenever the output changes for the same input; part of the fingerprint.
        Config: Settings model.
        Row: Frozen dataclass of the output.
        reads: Annotations whose rows `load` wants in `ClipInput.rows`.
        needs: What must be installed or present.
        unit_size: Clips per commit; small where a clip takes long.
        batch_size: Loaded clips per `annotate` call.
        time_limit: Seconds one clip may take, unless the pipeline file says otherwise.
        level: `clip`, or `video` for annotations of whole files.
        kept_of: Annotation whose objects it looks at, where it looks only at those that the
            selections before have kept; empty otherwise. Each entry of its row depends on its
            object alone, so that a threshold changed later adds entries and changes none.
    """

    annotation: ClassVar[str]
    name: ClassVar[str]
    version: ClassVar[int] = 1
    Config: ClassVar[type[BackendConfig]] = BackendConfig
    Row: ClassVar[type]
    reads: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[Needs] = Needs()
    unit_size: ClassVar[int] = 8
    batch_size: ClassVar[int] = 1
    time_limit: ClassVar[float] = 600.0
    level: ClassVar[str] = "clip"
    kept_of: ClassVar[str] = ""

    def __init__(self, config: Any) -> None:
        self.config = config

    @classmethod
    def identity(cls, config: Any) -> dict[str, str]:
        """Return what decides the output besides config and version: model, weights checksum."""
        return {}

    @classmethod
    def wanted_modules(cls, config: Any) -> tuple[str, ...]:
        """Return the Python modules that these settings need."""
        return cls.needs.modules

    @classmethod
    def reads_text(cls, config: Any) -> bool:
        """Return whether rows depend on the text that came with the data set.

        Such a row has a field `given`, the `text_id_for` of the text it was made with: a clip
        whose text is another one now is computed again.
        """
        return False

    @classmethod
    def wanted_weights(cls, config: Any) -> tuple[str, ...]:
        """Return the registry's weights that these settings need; none if they name a file."""
        return () if getattr(config, "weights", None) else cls.needs.weights

    @classmethod
    def gpu_memory(cls, config: Any) -> float:
        """Return the GiB of GPU memory that a worker with these settings needs; 0 if unknown."""
        return 0.0 if getattr(config, "weights", None) else cls.needs.gpu_memory

    @classmethod
    def asked_server(cls, config: Any) -> Server | None:
        """Return the server that these settings ask; None where they ask none."""
        return None

    @classmethod
    def gpu_share(cls, config: Any) -> float:
        """Return the share of a GPU that a worker with these settings takes where there is one."""
        device = getattr(config, "device", None)
        if device is not None and str(device).partition(":")[0] not in ("auto", "cuda"):
            return 0.0
        if cls.needs.gpus is not None:
            return cls.needs.gpus
        return 1.0 if cls.needs.gpu or device is not None else 0.0

    def setup(self) -> None:
        """Load the model; called once per worker, before the first clip."""
        return

    @abstractmethod
    def load(self, item: ClipInput) -> Any:
        """Decode what the model needs; runs in threads, ahead of `annotate`.

        Several clips may be loaded at once (`decode_threads`): change nothing of `self` here.

        Raises:
            ClipError: The clip becomes a failed row with this kind and message.
        """

    @abstractmethod
    def annotate(self, batch: Sequence[Any]) -> Sequence[Any]:
        """Run the model on loaded clips and return one `Row` each, in order."""
