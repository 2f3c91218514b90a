"""The steps of a pipeline, evaluated in order over what is committed.

The same walk serves a run (which computes what is pending) and the commands that only look
(which stop at the first step with pending work). There is no second ledger: which clips are in,
and why others are out, follows from the rows and the pipeline file alone.
"""

from collections.abc import Callable, Collection, Iterator

from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import Population
from clipmill.pipeline.steps.base import Execute, Work
from clipmill.pipeline.steps.registry import make_step
from clipmill.pipeline.verdicts import StepReport


def walk(
    context: Context,
    listing: VideoList,
    *,
    execute: Execute | None = None,
    retry: Collection[str] = (),
    until: str = "",
    allow_fewer: bool = False,
    on_end: Callable[[Population], None] | None = None,
) -> Iterator[StepReport]:
    """Yield the outcome of every step, the listing of sources first.

    Args:
        context: Workspace and pipeline.
        listing: Videos of the run.
        execute: Computes pending rows; when None, nothing is computed or written, and the walk
            ends with the first step that has pending rows.
        retry: Kinds of failures to compute again; of no use where nothing is computed.
        until: Title or annotation name of the last step to evaluate.
        allow_fewer: Replace samples also where there is none left.
        on_end: Called with who is in behind the last step, where the walk gets there.

    Raises:
        UsageError: No sample is left to replace those there are; they were kept.
    """
    work = Work(execute, retry, allow_fewer)
    population = listing.population()
    yield listing.report()
    fingerprint = ""
    for settings in context.pipeline.steps:
        step = make_step(settings)
        fingerprint = step.fingerprint(context, fingerprint)
        for applied in step.apply(context, population, work, fingerprint=fingerprint):
            population, report = applied
            yield report
            if report.pending:
                return
        if until and until in step.names:
            return
    if on_end is not None:
        on_end(population)
