"""Names and tables of a pipeline's annotations in a workspace."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clipmill import __version__
from clipmill.annotations.base import Backend
from clipmill.annotations.registry import find_backend
from clipmill.config import AnnotateStep, Pipeline
from clipmill.errors import UsageError
from clipmill.store.annotations import AnnotationTable
from clipmill.store.workspace import Workspace
from clipmill.weights import find_spec


@dataclass(frozen=True)
class Stage:
    """An annotation of the pipeline, resolved.

    Attributes:
        step: Its entry in the pipeline file.
        backend: The class that computes it.
        config: Validated settings, defaults filled in.
        fingerprint: Hash of name, version, settings, model identity and inputs.
        table: Where its rows are.
    """

    step: AnnotateStep
    backend: type[Backend]
    config: Any
    fingerprint: str
    table: AnnotationTable

    @property
    def non_commercial(self) -> list[str]:
        """Weights of the backend whose licence forbids commercial use, with that licence."""
        specs = [find_spec(name) for name in self.backend.needs.weights]
        return [f"{spec.name}: {spec.licence}" for spec in specs if spec.non_commercial]

    @property
    def manifest(self) -> dict[str, Any]:
        """What is written beside the rows."""
        return {
            "annotation": self.step.annotate,
            "backend": self.step.backend,
            "version": self.backend.version,
            "config": self.config.model_dump(mode="json"),
            "identity": self.backend.identity(self.config),
            "reads": list(self.backend.reads),
            "licence": self.backend.needs.licence,
            "non_commercial": self.non_commercial,
            "fingerprint": self.fingerprint,
            "clipmill": __version__,
        }


@dataclass
class Context:
    """A workspace seen through a pipeline.

    Attributes:
        workspace: Where rows are.
        pipeline: The steps.
        stages: Annotations by name, in pipeline order.
    """

    workspace: Workspace
    pipeline: Pipeline
    stages: Mapping[str, Stage] = field(init=False)

    def __post_init__(self) -> None:
        stages: dict[str, Stage] = {}
        for step in self.pipeline.steps:
            if isinstance(step, AnnotateStep):
                stages[step.annotate] = self._resolve(step, stages)
        self.stages = stages

    def _resolve(self, step: AnnotateStep, before: Mapping[str, Stage]) -> Stage:
        backend = find_backend(step.annotate, step.backend)
        missing = [name for name in backend.reads if name not in before]
        if missing:
            raise UsageError(
                f"annotate: {step.annotate} reads '{missing[0]}', which no earlier step of the "
                "pipeline computes; add it before"
            )
        config = backend.Config.model_validate(step.config)
        fingerprint = fingerprint_of(
            step.annotate,
            step.backend,
            backend.version,
            config.result_settings(),
            backend.identity(config),
            # Every annotation of a clip depends on the frames that `probe` counted.
            {name: before[name].fingerprint for name in (*backend.reads, *_probe(before))},
        )
        key = "video_id" if backend.level == "video" else "clip_id"
        table = self.workspace.annotation(step.annotate, fingerprint, backend.Row, key=key)
        return Stage(step, backend, config, fingerprint, table)


def _probe(before: Mapping[str, Stage]) -> tuple[str, ...]:
    return ("probe",) if "probe" in before else ()


def fingerprint_of(*parts: Any) -> str:
    """Return 16 hex digits that depend on the JSON form of the parts."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
