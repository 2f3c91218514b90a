"""Everything that can be known to be wrong before the first clip is touched."""

import importlib.util
from dataclasses import dataclass

from pydantic import ValidationError

from clipmill.annotations.base import Backend, BackendConfig
from clipmill.annotations.registry import available, find_backend
from clipmill.config import AnnotateStep, Pipeline, SamplesStep, SelectStep, ShotsSplit, Step
from clipmill.config.models import WindowsSplit
from clipmill.errors import ClipmillError, MissingExtraError, UsageError
from clipmill.selection.rules import Rule, ValueRule


def check_pipeline(pipeline: Pipeline, *, fetched: bool = True) -> None:
    """Check a pipeline without doing any work.

    Args:
        pipeline: The pipeline.
        fetched: Whether weights that a run fetches by itself must be here already.

    Raises:
        UsageError: With every problem found, one per line: unknown annotations and backends,
            bad settings, missing packages, columns of annotations that no earlier step
            computes.
    """
    problems: list[str] = []
    computed: dict[str, _Columns] = {}
    for step in pipeline.steps:
        if isinstance(step, AnnotateStep):
            problems += _check_backend(step, fetched=fetched)
            computed[step.annotate] = _columns(step)
        else:
            problems += _check_reads(step, computed)
    if problems:
        raise UsageError("\n".join(problems))


def _check_backend(step: AnnotateStep, *, fetched: bool) -> list[str]:
    place = f"annotate: {step.annotate}, backend: {step.backend}"
    try:
        backend = find_backend(step.annotate, step.backend)
        config = backend.Config.model_validate(step.config)
    except ValidationError as error:
        return [
            f"{place}: config.{'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors()
        ]
    except ClipmillError as error:
        return [str(error)]
    problems = []
    for check in (_check_modules, _check_device):
        try:
            check(place, backend, config)
        except ClipmillError as error:
            problems.append(str(error))
    return problems + _check_weights(backend, config, fetched=fetched)


def _check_modules(place: str, backend: type[Backend], config: BackendConfig) -> None:
    for module in backend.needs.modules:
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(place, backend.needs.extra, module)


def _check_weights(backend: type[Backend], config: BackendConfig, *, fetched: bool) -> list[str]:
    """Weights must be in the cache, unless the settings name a file of one's own."""
    from clipmill.weights import find_spec, find_weights

    missing = []
    for name in backend.wanted_weights(config):
        try:
            if fetched or not find_spec(name).at_first_use:
                find_weights(name)
        except ClipmillError as error:
            missing.append(str(error))
    return missing


def _check_device(place: str, backend: type[Backend], config: BackendConfig) -> None:
    """A backend that needs a GPU runs without one only where the settings ask for it."""
    if not backend.needs.gpu or getattr(config, "device", "auto") != "auto":
        return
    if importlib.util.find_spec("torch") is None:
        return  # told already
    from clipmill.models.device import choose_device

    choose_device("auto", need_gpu=True, what=place)


@dataclass(frozen=True)
class _Columns:
    """Columns of an annotation: numbers, those of its objects included, and texts."""

    numbers: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()


_CLIP = _Columns(frozenset({"num_frames", "start", "end"}))


def _columns(step: AnnotateStep) -> _Columns:
    if step.backend not in available(step.annotate):
        return _Columns()
    from clipmill.pipeline.columns import object_columns, scalar_columns, text_columns

    row = find_backend(step.annotate, step.backend).Row
    numbers = scalar_columns(row) | object_columns(row)
    return _Columns(frozenset(numbers), frozenset(text_columns(row)))


def _check_reads(step: Step, computed: dict[str, _Columns]) -> list[str]:
    if isinstance(step, SelectStep):
        return [problem for rule in step.rules if (problem := _check_column(step, rule, computed))]
    wanted: tuple[str, ...] = ()
    if isinstance(step, ShotsSplit):
        wanted = ("shots",)
    elif isinstance(step, WindowsSplit):
        wanted = ("probe",)
    elif isinstance(step, SamplesStep):
        wanted = ("probe", "objects", "tracks")
    return [
        f"{step.title}: needs `annotate: {name}` before it"
        for name in wanted
        if name not in computed
    ]


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
