"""What the stages cost: time in rows, and how fast they went when they last had work."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from clipmill.engine.rates import StageRates
from clipmill.pipeline.context import Context
from clipmill.pipeline.recorded.rates import noted_rates


@dataclass(frozen=True)
class StageCost:
    """The time that an annotation took, of all its rows in the workspace.

    Attributes:
        title: The annotation.
        backend: What computed it.
        rows: Rows that there are, failed ones too.
        seconds: Time in the backend, all rows together.
        mean: Seconds per row.
        slow: Seconds that 95 of 100 rows stay under.
        share: Of the time of all annotations, [0, 1].
        rates: Of the last run that had work for it; None where none is noted.
    """

    title: str
    backend: str
    rows: int
    seconds: float
    mean: float
    slow: float
    share: float
    rates: StageRates | None


def stage_costs(context: Context) -> Sequence[StageCost]:
    """Return what every annotation took, in pipeline order; those without rows are left out."""
    prints = {stage.step.annotate: stage.fingerprint for stage in context.stages.values()}
    rates = noted_rates(context.workspace, prints)
    times = {}
    for name, stage in context.stages.items():
        taken = pc.fill_null(stage.table.status()["seconds"], 0.0)
        if len(taken):
            times[name] = np.asarray(taken, np.float64)
    total = sum(float(taken.sum()) for taken in times.values())
    return [
        StageCost(
            title=name,
            backend=context.stages[name].step.backend,
            rows=len(taken),
            seconds=float(taken.sum()),
            mean=float(taken.mean()),
            slow=float(np.quantile(taken, 0.95)),
            share=float(taken.sum()) / total if total else 0.0,
            rates=rates.get(name),
        )
        for name, taken in times.items()
    ]
