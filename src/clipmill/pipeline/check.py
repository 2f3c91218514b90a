"""Everything in a pipeline that can be known to be wrong before the first clip is touched."""

from clipmill.annotations.columns import Columns
from clipmill.config import Pipeline
from clipmill.errors import UsageError
from clipmill.pipeline.steps.columns import CLIP, CLIP_COLUMNS
from clipmill.pipeline.steps.registry import make_step


def check_pipeline(pipeline: Pipeline) -> None:
    """Check a pipeline without doing any work; what this machine lacks `clipmill.preflight` tells.

    Args:
        pipeline: The pipeline.

    Raises:
        UsageError: With every problem found, one per line, with file and line where the pipeline
            was read from one: unknown annotations and backends, bad settings, columns of
            annotations that no earlier step computes.
    """
    problems: list[str] = []
    known: dict[str, Columns] = {CLIP: CLIP_COLUMNS}
    for number, settings in enumerate(pipeline.steps):
        step = make_step(settings)
        problems += [
            pipeline.places.of("steps", number, *place) + text
            for place, text in step.check(known).items()
        ]
        known |= step.columns()
    if problems:
        raise UsageError("\n".join(problems))
