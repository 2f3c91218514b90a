"""Which class each kind of step has."""

from typing import Any

from clipmill.config import StepSettings
from clipmill.pipeline.context import PROBE
from clipmill.pipeline.steps.annotate import Annotate
from clipmill.pipeline.steps.base import Step
from clipmill.pipeline.steps.probe import ProbeStep
from clipmill.pipeline.steps.samples import Samples
from clipmill.pipeline.steps.selecting.dedup import Dedup
from clipmill.pipeline.steps.selecting.review import Review
from clipmill.pipeline.steps.selecting.select import Select
from clipmill.pipeline.steps.split import SplitShots, SplitWindows

_STEPS: dict[tuple[str, str], type[Step[Any]]] = {
    ("annotate", PROBE): ProbeStep,
    ("annotate", ""): Annotate,
    ("select", ""): Select,
    ("review", ""): Review,
    ("dedup", ""): Dedup,
    ("split", "windows"): SplitWindows,
    ("split", "shots"): SplitShots,
    ("samples", ""): Samples,
}
"""Classes by the tag or word of the step and its name; those without a name are for all others."""


def make_step(settings: StepSettings) -> Step[Any]:
    """Return the step of an entry of the pipeline file."""
    word = settings.tag or settings.word
    kind = _STEPS.get((word, settings.name)) or _STEPS[word, ""]
    return kind(settings)
