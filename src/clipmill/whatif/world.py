"""A workspace as it is, and what any pipeline would make of it."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from threading import Lock

import numpy as np
import pyarrow as pa

from clipmill.config import AnnotateStep, Pipeline, SelectStep
from clipmill.errors import UsageError
from clipmill.pipeline.check import check_pipeline
from clipmill.pipeline.context import PROBE, Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.recorded.backends import Recorded
from clipmill.pipeline.steps.registry import make_step
from clipmill.whatif.advance import advance
from clipmill.whatif.outcome import State, StepOutcome
from clipmill.whatif.segment import ClipSegment

Known = Mapping[str, tuple[State, StepOutcome]]
"""State behind a step and what it did, by the fingerprint of the steps up to it."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a pipeline would decide.

    Attributes:
        context: Workspace and pipeline.
        steps: What each of its steps would do.
        state: Who is in at its end.
    """

    context: Context
    steps: tuple[StepOutcome, ...]
    state: State

    @property
    def kept(self) -> pa.Array:
        """Ids of the clips that it keeps, in the order of the listing; string."""
        return self.state.segment.keys.filter(pa.array(self.state.alive))

    @property
    def kept_objects(self) -> pa.Array | None:
        """Ids of the objects that it keeps, string; None where no selection is of objects."""
        kept = self.state.objects
        if kept is None:
            return None
        return kept.objects.keys.filter(pa.array(kept.flags & self.state.alive[kept.objects.clip]))


class World:
    """The last run of a workspace, to be asked what another pipeline would decide.

    What a question reads stays for the next one. Questions from several threads wait for each
    other.

    Args:
        context: Of the last run, see `last_run`.
        listing: Its videos.
    """

    def __init__(self, context: Context, listing: VideoList) -> None:
        self.context = context
        self._root = ClipSegment(listing.population())
        self._lock = Lock()
        self._now: Known = {}
        self._asked: Known = {}

    @property
    def pipeline(self) -> Pipeline:
        """Of the last run."""
        return self.context.pipeline

    def now(self) -> Evaluation:
        """Return what the last run has decided."""
        return self._ask(self.context)

    def ask(self, pipeline: Pipeline) -> Evaluation:
        """Return what a pipeline would decide over what is measured, as a run of it would.

        Clips that it would have to measure first are not judged by the steps behind that, and
        their scores count in none of its percentiles.

        Args:
            pipeline: Its sources do not count: the videos are those of the last run.

        Raises:
            UsageError: It cannot be run.
        """
        if not _only_rules(self.pipeline, pipeline):
            check_pipeline(pipeline)
            return self._ask(_looked_at(self.context, pipeline))
        # As it is for every question of a page: nothing to check, no backend to look for.
        seen = copy(self.context)
        seen.pipeline = pipeline
        return self._ask(seen)

    def _ask(self, context: Context) -> Evaluation:
        with self._lock:
            known = {**self._now, **self._asked}
            asked: dict[str, tuple[State, StepOutcome]] = {}
            state = State(self._root, np.ones(len(self._root), bool))
            fingerprint = ""
            for settings in context.pipeline.steps:
                step = make_step(settings)
                fingerprint = step.fingerprint(context, fingerprint)
                if not state.segment.population.probed and settings.name != PROBE:
                    raise UsageError(f"{settings.title} stands before `annotate: {PROBE}`")
                asked[fingerprint] = known.get(fingerprint) or advance(step, context, state)
                state = asked[fingerprint][0]
            if context is self.context:
                self._now = asked
            else:
                self._asked = asked
            return Evaluation(context, tuple(outcome for _, outcome in asked.values()), state)


def _only_rules(before: Pipeline, after: Pipeline) -> bool:
    """Tell whether nothing differs but the rules of selections, over columns that were read."""
    kinds = [
        tuple((s.word, s.name, getattr(s, "level", "")) for s in p.steps) for p in (before, after)
    ]
    others = [[s for s in p.steps if s.word != SelectStep.word] for p in (before, after)]
    columns = [
        {
            (s.select, rule.column, rule.__class__)
            for s in p.steps_of(SelectStep)
            for rule in s.rules
        }
        for p in (before, after)
    ]
    return kinds[0] == kinds[1] and others[0] == others[1] and columns[1] <= columns[0]


def _looked_at(context: Context, pipeline: Pipeline) -> Context:
    """Return the workspace seen through another pipeline.

    What was noted of an annotation holds where it, and all that it reads, is as it was.
    """
    recorded: dict[str, Recorded] = {}
    before = {step.annotate: step for step in context.pipeline.steps_of(AnnotateStep)}
    changed: set[str] = set()
    for step in pipeline.steps_of(AnnotateStep):
        stage, was = context.stages.get(step.annotate), before.get(step.annotate)
        same = was is not None and (step.backend, step.config) == (was.backend, was.config)
        if stage is None or not same or changed & {*stage.backend.reads, PROBE}:
            changed.add(step.annotate)
        else:
            recorded[step.annotate] = stage.recorded
    return Context(context.workspace, pipeline, recorded)
