"""The steps of a pipeline, evaluated in order over what is committed.

The same walk serves a run (which computes what is pending) and the commands that only look
(which stop at the first step with pending work). There is no second ledger: who is in and why
somebody is out follows from the rows and the pipeline file alone.
"""

from collections.abc import Callable, Collection, Iterator

from clipmill.config import AnnotateStep, SamplesStep, SelectStep
from clipmill.pipeline.context import Context, Stage, fingerprint_of
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.population import Population
from clipmill.pipeline.steps.annotate import pending_keys, settle
from clipmill.pipeline.steps.samples import apply_samples, sample_counts
from clipmill.pipeline.steps.select import apply_select
from clipmill.pipeline.steps.spans import apply_spans, has_spans
from clipmill.pipeline.steps.split import apply_split
from clipmill.pipeline.verdicts import StepReport

Execute = Callable[[Stage, Population, list[str]], dict[str, str]]
"""Computes the pending rows of a stage; returns errors that are not committed, by key."""


def walk(
    context: Context,
    listing: VideoList,
    *,
    execute: Execute | None = None,
    retry: Collection[str] = (),
    until: str = "",
    allow_fewer: bool = False,
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

    Raises:
        UsageError: No sample is left to replace those there are; they were kept.
    """
    population = listing.population()
    yield listing.report()
    chain = ""
    for step in context.pipeline.steps:
        probed = population.probed
        chain = fingerprint_of(chain, step.model_dump(mode="json"))
        if isinstance(step, AnnotateStep):
            stage = context.stages[step.annotate]
            chain = fingerprint_of(chain, stage.fingerprint)
            pending = pending_keys(stage, context, population, retry=retry)
            changed = None
            if execute is not None:
                changed = execute(stage, population, pending)
                # Left are those whose file changed meanwhile.
                pending = pending and pending_keys(stage, context, population)
            population, report = settle(stage, population, pending=pending, changed=changed)
        elif isinstance(step, SelectStep):
            population, report = apply_select(
                step, context, population, fingerprint=chain, write=execute is not None
            )
        elif isinstance(step, SamplesStep):
            if execute is not None:
                report = apply_samples(step, context, population, allow_none=allow_fewer)
            else:
                report = sample_counts(step, context, population)
        else:
            population, report = apply_split(step, context, population)
        yield report
        if report.pending:
            return
        if population.probed and not probed and has_spans(population):
            population, report = apply_spans(context, population)
            yield report
        if until and until in step_names(step):
            return


def step_names(step: object) -> set[str]:
    """Return the names by which `--until` may call a step."""
    names = {str(getattr(step, "title", ""))}
    for word in ("annotate", "select", "split", "samples"):
        if hasattr(step, word):
            names.add(str(getattr(step, word)))
    return names
