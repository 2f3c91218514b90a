"""What is examined: a pipeline, its backends, and where it is to run."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clipmill.annotations.base import Backend
from clipmill.annotations.registry import find_backend
from clipmill.config import AnnotateStep, Pipeline
from clipmill.errors import ClipmillError


@dataclass(frozen=True)
class Wanted:
    """An annotation of the pipeline, with its backend.

    Attributes:
        step: Its entry.
        backend: The class.
        config: Its settings, validated.
        reached: Whether the run gets to it.
    """

    step: AnnotateStep
    backend: type[Backend]
    config: Any
    reached: bool = True

    @property
    def title(self) -> str:
        """Name for people, e.g. `objects (oneformer)`."""
        return f"{self.step.annotate} ({self.step.backend})"


@dataclass(frozen=True)
class Examined:
    """What is examined.

    Attributes:
        pipeline: The pipeline.
        wanted: Its annotations, without those that are wrong in themselves: `check_pipeline` tells
            of them.
        workspace: Where it is to run; empty if unknown.
        fetched: Whether weights that a run fetches by itself must be here already.
        videos: Number of videos in its sources; None before they are listed.
        source_bytes: Bytes of all videos.
    """

    pipeline: Pipeline
    wanted: tuple[Wanted, ...]
    workspace: str = ""
    fetched: bool = True
    videos: int | None = None
    source_bytes: int = 0

    @property
    def name(self) -> str:
        """Name of the pipeline for people."""
        return self.pipeline.places.name or self.pipeline.name


def wanted_of(pipeline: Pipeline, until: str = "") -> tuple[Wanted, ...]:
    """Return the annotations of a pipeline whose backend and settings can be understood.

    Args:
        pipeline: The pipeline.
        until: Last step of the run, by its name or title.
    """
    found = []
    reached = _until(pipeline, until)
    for step in pipeline.steps_of(AnnotateStep):
        # pydantic's ValidationError is a ValueError.
        with suppress(ClipmillError, ValueError):
            backend = find_backend(step.annotate, step.backend)
            config = backend.Config.model_validate(step.config)
            found.append(Wanted(step, backend, config, step.title in reached))
    return tuple(found)


def _until(pipeline: Pipeline, until: str) -> set[str]:
    """Return the titles of the steps that a run gets to."""
    names = [{step.name, step.title} for step in pipeline.steps]
    last = next((n for n, known in enumerate(names) if until in known), len(names))
    return {step.title for step in pipeline.steps[: last + 1]}
