"""Whether a backend is there and fits its settings."""

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError

from clipmill.annotations.registry import ANNOTATIONS, available, find_backend
from clipmill.config import AnnotateStep
from clipmill.errors import ClipmillError
from clipmill.pipeline.steps.base import Problems


def check_backend(step: AnnotateStep) -> Problems:
    """Return what is wrong with an annotation's entry."""
    place = f"annotate: {step.annotate}, backend: {step.backend}"
    try:
        backend = find_backend(step.annotate, step.backend)
        backend.Config.model_validate(step.config)
    except ValidationError as error:
        return {
            ("config", *item["loc"]): _explain(place, item, backend.Config)
            for item in error.errors()
        }
    except ClipmillError as error:
        known = step.annotate in ANNOTATIONS or available(step.annotate)
        return {("backend" if known else "annotate",): str(error)}
    return {}


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
