"""Reading pipeline files and the profiles that ship with the package."""

import difflib
import shlex
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from clipmill.config.models import (
    AnnotateStep,
    DedupStep,
    Pipeline,
    ReviewStep,
    SamplesStep,
    SelectStep,
    ShotsSplit,
    SourceConfig,
    StepSettings,
    WindowsSplit,
)
from clipmill.config.positions import Places
from clipmill.config.yaml_bounds import MAX_BYTES
from clipmill.config.yaml_lines import line_of, lines_in, parse_yaml
from clipmill.errors import UsageError
from clipmill.selection.rules import QuantileRule, RangeRule

_STEP_MODELS: dict[str, type[BaseModel]] = {
    "annotate": AnnotateStep,
    "select": SelectStep,
    "review": ReviewStep,
    "dedup": DedupStep,
    "windows": WindowsSplit,
    "shots": ShotsSplit,
    "samples": SamplesStep,
}

_TAGS = {*_STEP_MODELS, "RangeRule", "ValueRule", "QuantileRule"}


def profile_names() -> list[str]:
    """Return the names of the profiles in the package."""
    folder = resources.files("clipmill") / "profiles"
    return sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if ".yaml" in p.name)


def profile_text(name: str) -> str:
    """Return the YAML text of a profile; raises UsageError for an unknown name."""
    if name not in profile_names():
        raise UsageError(f"no profile '{name}'; there are: {', '.join(profile_names())}")
    return (resources.files("clipmill") / "profiles" / f"{name}.yaml").read_text("utf-8")


def load_profile(name: str) -> Pipeline:
    """Load a profile by name."""
    return parse_pipeline(profile_text(name), name=f"profile {name}", option=f"--profile {name}")


def load_pipeline(path: Path) -> Pipeline:
    """Load a pipeline file; raises UsageError that names file, line, field and remedy."""
    try:
        with path.open("rb") as file:
            # One byte more than is allowed, so that too much is noticed and not read.
            text = file.read(MAX_BYTES + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the pipeline file {path}: {error}") from error
    return parse_pipeline(text, name=str(path), option=f"--config {shlex.quote(str(path))}")


def parse_pipeline(text: str, *, name: str, option: str = "") -> Pipeline:
    """Parse and validate the text of a pipeline file.

    Args:
        text: The file.
        name: Of the file, for messages.
        option: Option of the command line that names it, for commands in messages.

    Raises:
        UsageError: With one line per problem, `file:line: field: what`.
    """
    value, node = parse_yaml(text, name=name)
    if not isinstance(value, dict):
        raise UsageError(f"{name}:1: a pipeline file is a mapping with `name` and `steps`")
    pipeline = validated(value, lambda *place: f"{name}:{line_of(node, place)}: ")
    return pipeline.placed(Places(name, option, lines_in(node)))


def validated(value: Mapping[str, Any], where: Callable[..., str]) -> Pipeline:
    """Return the pipeline that plain data describe.

    Args:
        value: As the file holds it.
        where: Returns `file:line: ` of a place, given the parts of its path.

    Raises:
        UsageError: With one line per problem.
    """
    try:
        return Pipeline.model_validate(value)
    except ValidationError as error:
        problems = []
        for item in _causes(error.errors()):
            place = _without_tags(item["loc"])
            field = ".".join(map(str, place)) or "file"
            problems.append(f"{where(*place)}{field}: {_explain(item)}")
        raise UsageError("\n".join(problems)) from error


def _causes(errors: Sequence[Any]) -> list[Any]:
    """Leave out complaints that a list is too short because its items were refused."""
    places = [item["loc"] for item in errors]
    return [
        item
        for item in errors
        if item["type"] != "too_short"
        or not any(
            len(p) > len(item["loc"]) and p[: len(item["loc"])] == item["loc"] for p in places
        )
    ]


def _without_tags(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Drop the union tags that pydantic puts behind an item's number."""
    return tuple(
        part
        for before, part in zip((None, *location), location, strict=False)
        if not (isinstance(before, int) and isinstance(part, str) and part in _TAGS)
    )


def _explain(item: Any) -> str:
    if item["type"] != "extra_forbidden":
        return str(item["msg"]).removeprefix("Value error, ")
    unknown = str(item["loc"][-1])
    fields = _known_fields(item["loc"])
    near = difflib.get_close_matches(unknown, fields, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(fields)}"
    return f"unknown field '{unknown}'; {hint}"


def _known_fields(location: tuple[str | int, ...]) -> list[str]:
    if "sources" in location:
        model: type[BaseModel] = SourceConfig
    elif "rules" in location:
        return sorted({*RangeRule.model_fields, *QuantileRule.model_fields})
    else:
        tags = [str(part) for part in location if part in _STEP_MODELS]
        model = _STEP_MODELS[tags[-1]] if tags else Pipeline
    return list(model.model_fields)


def dump_pipeline(pipeline: Pipeline) -> str:
    """Return a pipeline as YAML that `load_pipeline` reads back to an equal one."""
    data = pipeline.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def dump_step(step: StepSettings) -> str:
    """Return an entry of `steps` as YAML, to stand in a pipeline file."""
    data = [step.model_dump(mode="json", exclude_defaults=True)]
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
