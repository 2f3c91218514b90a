"""Whether a backend is there, fits its settings, and can run on this machine."""

import difflib
import importlib.util
from typing import Any

from pydantic import BaseModel, ValidationError

from clipmill.annotations.base import Backend, BackendConfig
from clipmill.annotations.registry import ANNOTATIONS, available, find_backend
from clipmill.config import AnnotateStep
from clipmill.errors import ClipmillError, UsageError
from clipmill.pipeline.missing import Missing
from clipmill.pipeline.steps.base import Problems
from clipmill.weights import MissingWeightsError


def check_backend(step: AnnotateStep, missing: Missing) -> Problems:
    """Return what is wrong with an annotation's entry.

    Args:
        step: The entry.
        missing: Takes packages, weights and GPUs that are not here.
    """
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
    return _check_weights(backend, config, missing)


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


def _check_weights(backend: type[Backend], config: BackendConfig, missing: Missing) -> Problems:
    """Weights must be in the cache, unless the settings name a file of one's own."""
    from clipmill.weights import find_spec, find_weights

    problems: dict[tuple[str | int, ...], str] = {}
    for name in backend.wanted_weights(config):
        spec = find_spec(name)
        try:
            if missing.fetched or not spec.at_first_use:
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
