"""One-off changes of a pipeline: `--set step.field=value`, as if written in its file."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from clipmill.config.load import validated
from clipmill.config.models import Pipeline, StepSettings
from clipmill.config.positions import Path
from clipmill.config.yaml_lines import parse_yaml
from clipmill.errors import UsageError

OPTION = "--set"
_EXAMPLE = f"write {OPTION} quality.min_population=20, {OPTION} objects.config.max_objects=2"


class _Setting(NamedTuple):
    """One change.

    Attributes:
        text: As it was given.
        place: Of the field in the pipeline: `("steps", 3, "config", "max_objects")`.
        value: What it is set to.
    """

    text: str
    place: Path
    value: Any


def with_settings(pipeline: Pipeline, settings: Sequence[str]) -> Pipeline:
    """Return a pipeline with some fields set; later settings win.

    A step is named by its word (`objects`, `quality`, `windows`) or by its title (`quality
    selection`); of several with the same word, the one that has the field is meant. Rules of a
    selection are named by their column, or counted from 0: `quality.rules.text_area.drop`.

    Args:
        pipeline: A profile, or what a file holds.
        settings: `step.field=value`, the value in YAML.

    Raises:
        UsageError: Names the setting and what there is instead, or why the value does not fit.
    """
    if not settings:
        return pipeline
    data = pipeline.model_dump(mode="json", exclude_unset=True)
    given: dict[Path, str] = {}
    for text in settings:
        setting = _read(text, pipeline, data)
        _put(setting, data)
        given[setting.place] = f"{OPTION} {text}"
    # Weights are named one by one: the profile's own are others.
    places = replace(pipeline.places, given=given, option="")
    return validated(data, places.of).placed(places)


def _read(text: str, pipeline: Pipeline, data: dict[str, Any]) -> _Setting:
    """Find the place of a setting in a pipeline, and read its value."""
    name, equals, value = text.partition("=")
    if not equals or not value.strip():
        raise UsageError(f"{OPTION} {text}: no value is given; {_EXAMPLE}")
    step, field = _split(name.strip(), pipeline, text)
    number = _find(step, field.partition(".")[0], pipeline, text)
    place: list[str | int] = ["steps", number]
    holder = data["steps"][number]
    for part in field.split("."):
        place.append(_key(part, holder, text))
        holder = _child(holder, place)
    return _Setting(text, tuple(place), parse_yaml(value, name=f"{OPTION} {text}")[0])


def _split(name: str, pipeline: Pipeline, text: str) -> tuple[str, str]:
    """Split `step.field` behind the longest name of a step; names may hold dots."""
    known = list(dict.fromkeys(name for step in pipeline.steps for name in _names(step)))
    for step in sorted(known, key=len, reverse=True):
        if name.startswith(f"{step}."):
            return step, name[len(step) + 1 :]
    step, dot, _ = name.partition(".")
    if step in known or not dot:
        raise UsageError(f"{OPTION} {text}: which field of '{step}'? {_EXAMPLE}")
    raise UsageError(f"{OPTION} {text}: there is no step '{step}'; {_near(step, known)}")


def _names(step: StepSettings) -> list[str]:
    return [step.name, step.title]


def _fields(step: StepSettings) -> list[str]:
    return [field for field in type(step).model_fields if field != step.word]


def _find(name: str, field: str, pipeline: Pipeline, text: str) -> int:
    """Return the number of the step of that name that has the field."""
    named = [n for n, step in enumerate(pipeline.steps) if name in _names(step)]
    having = [n for n in named if field in _fields(pipeline.steps[n])]
    if len(having) == 1:
        return having[0]
    if having:
        titles = " or ".join(f"'{pipeline.steps[n].title}'" for n in having)
        raise UsageError(f"{OPTION} {text}: '{name}' is the name of several steps; say {titles}")
    fields = sorted({field for n in named for field in _fields(pipeline.steps[n])})
    setting = f"; a setting of its backend is {name}.config.{field}" if "config" in fields else ""
    raise UsageError(
        f"{OPTION} {text}: the step '{name}' has no field '{field}'; "
        f"{_near(field, fields)}{setting}"
    )


def _near(wrong: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(wrong, known, n=1)
    hint = f"did you mean '{near[0]}'? There" if near else "there"
    return f"{hint} are: {', '.join(known)}"


def _key(part: str, holder: Any, text: str) -> str | int:
    """Return the key or number by which a part of a path is found in what holds it."""
    if isinstance(holder, dict):
        return part
    if not isinstance(holder, list):
        raise UsageError(f"{OPTION} {text}: there is nothing in which '{part}' could be set")
    columns = [str(entry.get("column", "")) if isinstance(entry, dict) else "" for entry in holder]
    found = [n for n, column in enumerate(columns) if column.partition(".")[2] == part]
    if part.isdecimal() and int(part) < len(holder):
        return int(part)
    if len(found) == 1:
        return found[0]
    if found:
        numbers = " or ".join(map(str, found))
        raise UsageError(f"{OPTION} {text}: several rules read '{part}'; say which: {numbers}")
    names = [column.partition(".")[2] for column in columns if column]
    raise UsageError(
        f"{OPTION} {text}: there is no rule on '{part}'; {_near(part, dict.fromkeys(names))}"
    )


def _child(holder: Any, place: Sequence[str | int]) -> Any:
    """Return what lies at a place; a setting that is not there yet may be one of several."""
    key = place[-1]
    if isinstance(key, int):
        return holder[key]
    return holder.get(key, {} if "config" in place else None)


def _put(setting: _Setting, data: dict[str, Any]) -> None:
    holder: Any = data
    for part in setting.place[:-1]:
        holder = holder[part] if isinstance(part, int) else holder.setdefault(part, {})
    holder[setting.place[-1]] = setting.value
