"""The pipeline file: pydantic models, and reading YAML with errors that point at the line."""

from clipmill.config.load import dump_pipeline, load_pipeline, load_profile, profile_names
from clipmill.config.models import (
    AnnotateStep,
    DedupStep,
    Pipeline,
    ReviewStep,
    SamplesStep,
    SelectStep,
    ShotsSplit,
    SourceConfig,
    SplitStep,
    Step,
    StepSettings,
    WindowsSplit,
)

__all__ = [
    "AnnotateStep",
    "DedupStep",
    "Pipeline",
    "ReviewStep",
    "SamplesStep",
    "SelectStep",
    "ShotsSplit",
    "SourceConfig",
    "SplitStep",
    "Step",
    "StepSettings",
    "WindowsSplit",
    "dump_pipeline",
    "load_pipeline",
    "load_profile",
    "profile_names",
]
