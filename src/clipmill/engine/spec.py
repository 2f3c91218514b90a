"""What a worker has to run: plain data that travels to other processes and machines."""

from dataclasses import dataclass, field
from typing import Any

from clipmill.annotations.base import Backend
from clipmill.annotations.registry import find_backend

AHEAD_BYTES = 2 << 30
"""Bytes of loaded clips that a worker holds ahead of its model, where nobody says otherwise."""


@dataclass(frozen=True)
class WorkerNeeds:
    """What one worker of a stage needs of its machine.

    Attributes:
        workers: Workers of the stage, if the pipeline file says so; 0 for what there is room for.
        cpus: Cores.
        gpus: Share of a GPU; 0 for a stage without one, 0.25 for four workers to a card.
        gpu_memory: Bytes of GPU memory; 0 if unknown.
        memory: Bytes of memory; 0 if unknown.
        gpu: Which GPU the settings name (`cuda:1`); None for any.
    """

    workers: int = 0
    cpus: float = 1.0
    gpus: float = 0.0
    gpu_memory: int = 0
    memory: int = 0
    gpu: int | None = None


@dataclass(frozen=True)
class StageSpec:
    """One annotation stage.

    Attributes:
        annotation: Name of the annotation.
        backend: Name of the backend.
        config: Settings, as validated plain data.
        time_limit: Seconds of computing that one clip may take.
        unit_size: Clips per unit, the piece of work an engine commits.
        batch_size: Loaded clips per model call.
        ahead: Clips loaded, or being loaded, ahead of the model; at least a batch. 0: the engine
            decides (`clipmill.engine.resources.placing.settle`).
        ahead_bytes: Bytes of such clips at most, the first one excepted.
        decode_threads: Threads that load; 0: the engine decides.
        cpu_threads: Threads the libraries of one worker may use; 0: the engine decides.
        needs: What one worker needs.
    """

    annotation: str
    backend: str
    config: dict[str, Any]
    time_limit: float
    unit_size: int
    batch_size: int
    ahead: int = 0
    ahead_bytes: int = AHEAD_BYTES
    decode_threads: int = 0
    cpu_threads: int = 0
    needs: WorkerNeeds = field(default_factory=WorkerNeeds)

    @property
    def title(self) -> str:
        """Name of the stage in messages."""
        return f"{self.annotation}/{self.backend}"

    def backend_class(self) -> type[Backend]:
        """Return the class of the backend."""
        return find_backend(self.annotation, self.backend)

    def make_backend(self) -> Backend:
        """Return the backend with its settings, not set up yet."""
        kind = self.backend_class()
        return kind(kind.Config.model_validate(self.config))
