"""Runs a pipeline file: evaluates its steps in order over the committed rows."""

from clipmill.pipeline.run import RunSummary, run_pipeline
from clipmill.pipeline.verdicts import StepReport
from clipmill.pipeline.walk import walk

__all__ = ["RunSummary", "StepReport", "run_pipeline", "walk"]
