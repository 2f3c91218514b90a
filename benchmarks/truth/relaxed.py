"""A pipeline for few and short videos, made out of a profile."""

from typing import Any

from clipmill.config import Pipeline

MIN_FRAMES = 24
_OF_POPULATIONS = frozenset({"basic", "quality", "camera", "motion", "dedup", "review"})
"""Selections on length, shape and percentiles; they say nothing about a handful of clips."""


def relaxed(profile: Pipeline) -> Pipeline:
    """Return a profile without rules on length and shape, and without percentiles.

    What it measures stays as it is, and so do its rules on damage, objects and tracks. The camera
    is measured before the first selection on objects, in clips without objects too.
    """
    steps = [_shortened(step) for step in profile.steps if _name(step) not in _OF_POPULATIONS]
    camera = _place(steps, "annotate", "camera")
    objects = _place(steps, "select", "objects")
    if camera is not None and objects is not None and objects < camera:
        steps.insert(objects, steps.pop(camera))
    return profile.model_copy(update={"steps": tuple(steps)})


def _name(step: Any) -> str:
    return str(getattr(step, "select", ""))


def _shortened(step: Any) -> Any:
    """Return a split or the samples step with the lengths of short videos."""
    if hasattr(step, "split"):
        return step.model_copy(update={"min_frames": MIN_FRAMES})
    if hasattr(step, "samples"):
        return step.model_copy(update={"stage2_min_frames": MIN_FRAMES})
    return step


def _place(steps: list[Any], word: str, name: str) -> int | None:
    places = (n for n, step in enumerate(steps) if getattr(step, word, None) == name)
    return next(places, None)
