"""Names and tables of a pipeline's annotations in a workspace."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from clipmill import __version__
from clipmill.annotations.base import Backend, BackendConfig
from clipmill.annotations.registry import find_backend
from clipmill.config import AnnotateStep, Pipeline
from clipmill.errors import UsageError
from clipmill.pipeline.population import Population
from clipmill.pipeline.recorded.backends import Recorded, look_at_backend, stored_identity
from clipmill.review.state import ReviewState
from clipmill.review.store import ReviewStore
from clipmill.store.annotations import AnnotationTable
from clipmill.store.workspace import Workspace
from clipmill.weights import find_spec

PROBE = "probe"
"""The annotation of files. It counts frames and names contents, so all others stand on it."""


@dataclass(frozen=True)
class Stage:
    """An annotation of the pipeline, resolved.

    Attributes:
        step: Its entry in the pipeline file.
        backend: The class that computes it.
        config: Validated settings, defaults filled in.
        fingerprint: Hash of name, version, settings, model identity and inputs.
        table: Where its rows are.
        identity: What decides its output besides settings and version: model, weights.
    """

    step: AnnotateStep
    backend: type[Backend]
    config: Any
    fingerprint: str
    table: AnnotationTable
    identity: Mapping[str, str] = field(default_factory=dict)

    @property
    def recorded(self) -> Recorded:
        """What a later look at the run needs."""
        return Recorded(
            backend=self.step.backend,
            version=self.backend.version,
            fingerprint=self.fingerprint,
            identity=dict(self.identity),
            weights=self.backend.needs.weights,
            licence=self.backend.needs.licence,
        )

    def keys_of(self, some: Population) -> pa.Array:
        """Return the keys of the rows of a probed population: of its files or its own; string."""
        return some.members_files if self.backend.level == "video" else some.keys

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
            "identity": dict(self.identity),
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
        recorded: To look only: what was noted of the annotations of the last run. Models need not
            be installed then. None for a run.
        stages: Annotations by name, in pipeline order.
    """

    workspace: Workspace
    pipeline: Pipeline
    recorded: Mapping[str, Recorded] | None = None
    stages: Mapping[str, Stage] = field(init=False)

    @cached_property
    def review(self) -> ReviewState:
        """What people have said, as it was when it was first asked for: a run sees it once."""
        return ReviewStore.open(self.workspace).state()

    def __post_init__(self) -> None:
        stages: dict[str, Stage] = {}
        for step in self.pipeline.steps_of(AnnotateStep):
            stages[step.annotate] = self._resolve(step, stages)
        self.stages = stages

    def _resolve(self, step: AnnotateStep, before: Mapping[str, Stage]) -> Stage:
        if self.recorded is not None:
            return self._look_at(step, before, self.recorded.get(step.annotate))
        backend = find_backend(step.annotate, step.backend)
        missing = [name for name in backend.reads if name not in before]
        if missing:
            raise UsageError(
                f"annotate: {step.annotate} reads '{missing[0]}', which no earlier step of the "
                "pipeline computes; add it before"
            )
        config = backend.Config.model_validate(step.config)
        return self._stage(step, backend, config, backend.identity(config), before)

    def _stage(
        self,
        step: AnnotateStep,
        backend: type[Backend],
        config: BackendConfig,
        identity: Mapping[str, str],
        before: Mapping[str, Stage],
        *,
        fingerprint: str = "",
    ) -> Stage:
        fingerprint = fingerprint or fingerprint_of(
            step.annotate,
            step.backend,
            backend.version,
            config.result_settings(),
            dict(identity),
            # Every annotation of a clip depends on the frames that `probe` counted.
            {name: before[name].fingerprint for name in (*backend.reads, *_probe(before))},
        )
        key = "file_id" if backend.level == "video" else "clip_id"
        table = self.workspace.annotation(step.annotate, fingerprint, backend.Row, key=key)
        return Stage(step, backend, config, fingerprint, table, identity)

    def _look_at(
        self, step: AnnotateStep, before: Mapping[str, Stage], noted: Recorded | None
    ) -> Stage:
        """Resolve a step without its model: packages and weights may be missing."""
        backend = look_at_backend(step.annotate, step.backend, noted)
        try:
            config = backend.Config.model_validate(step.config)
        except ValidationError:  # of another version, or of a backend that is not installed
            config = BackendConfig()
        if noted is None or noted.backend != step.backend:
            identity = stored_identity(self.workspace, step.annotate, backend, config)
            return self._stage(step, backend, config, identity, before)
        # Rows of another version are no rows of this one: the next run computes them again.
        known = noted.fingerprint if backend.version == noted.version else ""
        return self._stage(step, backend, config, noted.identity, before, fingerprint=known)


def _probe(before: Mapping[str, Stage]) -> tuple[str, ...]:
    return (PROBE,) if PROBE in before else ()


def fingerprint_of(*parts: Any) -> str:
    """Return 16 hex digits that depend on the JSON form of the parts."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
