"""Weights that a pipeline needs, and those that a run fetches by itself before it begins."""

from contextlib import suppress

from clipmill.annotations.registry import find_backend
from clipmill.config import AnnotateStep, Pipeline
from clipmill.errors import ClipmillError
from clipmill.weights import WeightSpec, find_spec, find_weights
from clipmill.weights.errors import PULL_ERRORS


def wanted_weights(pipeline: Pipeline) -> list[WeightSpec]:
    """Return the weights that a pipeline needs, in the order of its steps.

    Steps that are wrong in themselves want nothing; `check_pipeline` tells of them.
    """
    names: list[str] = []
    for step in pipeline.steps_of(AnnotateStep):
        # pydantic's ValidationError is a ValueError.
        with suppress(ClipmillError, ValueError):
            backend = find_backend(step.annotate, step.backend)
            names += backend.wanted_weights(backend.Config.model_validate(step.config))
    return [find_spec(name) for name in dict.fromkeys(names)]


def missing_at_first_use(pipeline: Pipeline) -> list[WeightSpec]:
    """Return the weights of a pipeline that are to be fetched at first use and are not here."""
    return [spec for spec in wanted_weights(pipeline) if spec.at_first_use and not _is_here(spec)]


def _is_here(spec: WeightSpec) -> bool:
    try:
        find_weights(spec.name)
    except PULL_ERRORS:
        return False
    return True
