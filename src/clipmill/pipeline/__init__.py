"""Runs a pipeline file: evaluates its steps in order over the committed rows."""

from typing import TYPE_CHECKING, Any

from clipmill.pipeline.verdicts import StepReport
from clipmill.pipeline.walk import walk

if TYPE_CHECKING:
    from clipmill.pipeline.run import RunSummary, run_pipeline

__all__ = ["RunSummary", "StepReport", "run_pipeline", "walk"]


def __getattr__(name: str) -> Any:
    """Import what runs a pipeline when it is used: looking at a workspace needs none of it."""
    if name not in {"RunSummary", "run_pipeline"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from clipmill.pipeline import run

    return getattr(run, name)
