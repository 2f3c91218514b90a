"""Everything that can be known to be wrong before the first clip is touched."""

import difflib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from clipmill.annotations.base import Backend, BackendConfig
from clipmill.annotations.registry import ANNOTATIONS, available, find_backend
from clipmill.config import AnnotateStep, Pipeline, SamplesStep, SelectStep, ShotsSplit, Step
from clipmill.config.models import WindowsSplit
from clipmill.errors import ClipmillError, UsageError
from clipmill.pipeline.missing import Missing
from clipmill.selection.rules import Rule, ValueRule
from clipmill.weights import MissingWeightsError


def check_pipeline(pipeline: Pipeline, *, fetched: bool = True) -> None:
    """Check a pipeline without doing any work.

    Args:
        pipeline: The pipeline.
        fetched: Whether weights that a run fetches by itself must be here already.

    Raises:
        UsageError: With every problem found, one per line, with file and line where the pipeline
            was read from one: unknown annotations and backends, bad settings, columns of
            annotations that no earlier step computes; last, all packages, weights and GPUs that
            are missing, with the command that gets them.
    """
    problems: list[str] = []
    missing = Missing()
    computed: dict[str, _Columns] = {}
    for number, step in enumerate(pipeline.steps):
        if isinstance(step, AnnotateStep):
            found = _check_backend(step, missing, fetched=fetched)
            computed[step.annotate] = _columns(step)
        else:
            found = _check_reads(step, computed)
        problems += [
            pipeline.places.of("steps", number, *place) + text for place, text in found.items()
        ]
    if missing:
        problems.append(missing.message(pipeline))
    if problems:
        raise UsageError("\n".join(problems))


_Problems = Mapping[tuple[str | int, ...], str]
"""Problems of a step, by the place in it."""


def _check_backend(step: AnnotateStep, missing: Missing, *, fetched: bool) -> _Problems:
    place = f"annotate: {step.annotate}, backend: {step.backend}"
    try:
        backend = find_backend(step.annotate, step.backend)
        config = backend.Config.model_validate(step.config)
    except ValidationError as error:
        return {
            ("config", *item["loc"]): _explain(place, item, backend.Config)
            for item in error.errors()
        }
    except ClipmillError as error:
        known = step.annotate in ANNOTATIONS or available(step.annotate)
        return {("backend" if known else "annotate",): str(error)}
    for module in backend.wanted_modules(config):
        if importlib.util.find_spec(module) is None:
            missing.modules[module] = backend.needs.extra
    if _lacks_gpu(backend, config):
        missing.no_gpu.append(f"{step.annotate} ({step.backend})")
    return _check_weights(backend, config, missing, fetched=fetched)


def _explain(place: str, item: Any, config: type[BaseModel]) -> str:
    """Say what is wrong with a setting, with the valid ones where it is none."""
    name = ".".join(map(str, item["loc"]))
    if item["type"] != "extra_forbidden":
        return f"{place}: config.{name}: {str(item['msg']).removeprefix('Value error, ')}"
    fields = list(config.model_fields)
    if len(item["loc"]) > 1 or not fields:
        return f"{place}: config.{name}: there is no such setting"
    near = difflib.get_close_matches(name, fields, n=1)
    hint = f"did you mean '{near[0]}'? There" if near else "there"
    return f"{place}: config.{name}: no such setting; {hint} are: {', '.join(fields)}"


def _check_weights(
    backend: type[Backend], config: BackendConfig, missing: Missing, *, fetched: bool
) -> _Problems:
    """Weights must be in the cache, unless the settings name a file of one's own."""
    from clipmill.weights import find_spec, find_weights

    problems: dict[tuple[str | int, ...], str] = {}
    for name in backend.wanted_weights(config):
        spec = find_spec(name)
        try:
            if fetched or not spec.at_first_use:
                find_weights(name)
        except MissingWeightsError:
            missing.weights[name] = spec
        except ClipmillError as error:
            problems["backend", name] = str(error)
    return problems


def _lacks_gpu(backend: type[Backend], config: BackendConfig) -> bool:
    """A backend that needs a GPU runs without one only where the settings ask for it."""
    if not backend.needs.gpu or getattr(config, "device", "auto") != "auto":
        return False
    if importlib.util.find_spec("torch") is None:
        return False  # told already
    from clipmill.models.device import choose_device

    try:
        choose_device("auto", need_gpu=True)
    except UsageError:
        return True
    return False


@dataclass(frozen=True)
class _Columns:
    """Columns of an annotation: numbers, those of its objects included, and texts."""

    numbers: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()


_CLIP = _Columns(frozenset({"num_frames", "start", "end"}))


def _columns(step: AnnotateStep) -> _Columns:
    if step.backend not in available(step.annotate):
        return _Columns()
    from clipmill.pipeline.steps.columns import object_columns, scalar_columns, text_columns

    row = find_backend(step.annotate, step.backend).Row
    numbers = scalar_columns(row) | object_columns(row)
    return _Columns(frozenset(numbers), frozenset(text_columns(row)))


def _check_reads(step: Step, computed: dict[str, _Columns]) -> _Problems:
    if isinstance(step, SelectStep):
        return {
            ("rules", number, "column"): problem
            for number, rule in enumerate(step.rules)
            if (problem := _check_column(step, rule, computed))
        }
    wanted: tuple[str, ...] = ()
    if isinstance(step, ShotsSplit):
        wanted = ("shots",)
    elif isinstance(step, WindowsSplit):
        wanted = ("probe",)
    elif isinstance(step, SamplesStep):
        wanted = ("probe", "objects", "tracks")
    return {
        ("needs", name): f"{step.title}: needs `annotate: {name}` before it"
        for name in wanted
        if name not in computed
    }


def _check_column(step: SelectStep, rule: Rule, computed: dict[str, _Columns]) -> str:
    column = rule.column
    annotation, _, name = column.partition(".")
    if annotation == "clip":
        known = _CLIP
    elif annotation in computed:
        known = computed[annotation]
    else:
        return f"select: {step.select}: column '{column}': no earlier step computes '{annotation}'"
    if name in known.texts:
        if isinstance(rule, ValueRule) and step.level == "clip":
            return ""
        return (
            f"select: {step.select}: '{column}' is a text: keep some of its values at clip level "
            "with one_of, for example one_of: [bt709, unknown]"
        )
    if known.numbers and name not in known.numbers:
        names = sorted(known.numbers | (known.texts if isinstance(rule, ValueRule) else set()))
        return (
            f"select: {step.select}: '{annotation}' has no column '{name}'; "
            f"there are: {', '.join(names)}"
        )
    return ""
