"""What a worker has to run: plain data that travels to other processes and machines."""

from dataclasses import dataclass
from typing import Any

from clipmill.annotations.base import Backend
from clipmill.annotations.registry import find_backend


@dataclass(frozen=True)
class StageSpec:
    """One annotation stage.

    Attributes:
        annotation: Name of the annotation.
        backend: Name of the backend.
        config: Settings, as validated plain data.
        time_limit: Seconds of computing that one clip may take.
        unit_size: Clips per unit, the piece of work an engine places and commits.
        batch_size: Loaded clips per model call.
        ahead: Clips decoded ahead of the model.
        decode_threads: Threads that decode.
        cpu_threads: Threads the libraries of one worker may use.
    """

    annotation: str
    backend: str
    config: dict[str, Any]
    time_limit: float
    unit_size: int
    batch_size: int
    ahead: int = 1
    decode_threads: int = 1
    cpu_threads: int = 1

    def backend_class(self) -> type[Backend]:
        """Return the class of the backend."""
        return find_backend(self.annotation, self.backend)

    def make_backend(self) -> Backend:
        """Return the backend with its settings, not set up yet."""
        kind = self.backend_class()
        return kind(kind.Config.model_validate(self.config))
