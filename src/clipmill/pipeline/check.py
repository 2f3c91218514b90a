"""Everything that can be known to be wrong before the first clip is touched."""

from clipmill.annotations.columns import Columns
from clipmill.config import Pipeline
from clipmill.errors import UsageError
from clipmill.pipeline.missing import Missing
from clipmill.pipeline.steps.columns import CLIP, CLIP_COLUMNS
from clipmill.pipeline.steps.registry import make_step


def check_pipeline(pipeline: Pipeline, *, fetched: bool = True) -> None:
    """Check a pipeline without doing any work.

    Args:
        pipeline: The pipeline.
        fetched: Whether weights that a run fetches by itself must be here already.

    Raises:
        UsageError: With every problem found, one per line, with file and line where the pipeline
            was read from one: unknown annotations and backends, bad settings, columns of
            annotations that no earlier step computes; last, all packages, weights and GPUs that
            are missing, with the command that gets them.
    """
    problems: list[str] = []
    missing = Missing(fetched=fetched)
    known: dict[str, Columns] = {CLIP: CLIP_COLUMNS}
    for number, settings in enumerate(pipeline.steps):
        step = make_step(settings)
        problems += [
            pipeline.places.of("steps", number, *place) + text
            for place, text in step.check(known, missing).items()
        ]
        known |= step.columns()
    if missing:
        problems.append(missing.message(pipeline))
    if problems:
        raise UsageError("\n".join(problems))
