"""Where the verdicts and the cuts of selections are written."""

from dataclasses import asdict, replace

import pyarrow as pa

from clipmill.config import StepSettings
from clipmill.pipeline.context import Context
from clipmill.pipeline.steps.base import Work
from clipmill.pipeline.verdicts import StepReport, StoredVerdicts


def kept_on_disk(
    step: StepSettings, context: Context, report: StepReport, work: Work, *, fingerprint: str
) -> StepReport:
    """Return the report of a selection, whose verdicts and cuts are written where it is a run."""
    report = replace(report, fingerprint=fingerprint)
    if work.execute is None:
        return report
    path = f"selections/{step.name}/{fingerprint}.parquet"
    context.workspace.write_table(path, report.verdicts)
    cuts = pa.Table.from_pylist([asdict(cut) for cut in report.cuts])
    context.workspace.write_table(cuts_path(path), cuts)
    return replace(report, decided=StoredVerdicts(context.workspace, path))


def cuts_path(path: str) -> str:
    """Return where the cuts are of the selection whose verdicts are in a file."""
    return path.removesuffix(".parquet") + ".cuts.parquet"
