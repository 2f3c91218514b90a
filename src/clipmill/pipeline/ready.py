"""Whether a run can begin: the pipeline is right, and this machine has what it needs.

A run that computes nothing of a step, because all its rows are there, needs neither its GPU nor its
server: to change a threshold takes none of them.
"""

import logging
from collections.abc import Collection, Sequence

from clipmill.config import Pipeline
from clipmill.errors import ClipmillError
from clipmill.pipeline.check import check_pipeline
from clipmill.pipeline.context import Context
from clipmill.pipeline.forecast import forecast
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.recorded.last_run import PIPELINE_FILE
from clipmill.preflight.disk_room import workspace_room
from clipmill.preflight.examine import examine, refuse_missing
from clipmill.preflight.finding import Finding
from clipmill.preflight.sources import bytes_of
from clipmill.store.workspace import Workspace

_log = logging.getLogger(__name__)


def check_ready(
    pipeline: Pipeline,
    workspace: str,
    *,
    until: str = "",
    fetched: bool = True,
    gpus: bool = True,
) -> list[Finding]:
    """Check a pipeline and this machine, without doing any work.

    Args:
        pipeline: The pipeline.
        workspace: Where it is to run; need not exist.
        until: Last step of the run.
        fetched: Whether weights that a run fetches by itself must be here already.
        gpus: Whether GPUs must be here: not where workers run on other machines.

    Returns:
        What was found. What is missing in there is needed for pending work only, see `check_work`.

    Raises:
        UsageError: The pipeline is wrong, or something is missing that the run cannot do without.
    """
    check_pipeline(pipeline)
    findings = examine(pipeline, workspace=workspace, until=until, fetched=fetched, gpus=gpus)
    missing = [found for found in findings if found.is_missing]
    if not (all(found.step for found in missing) and _was_run(workspace)):
        refuse_missing(pipeline, missing)
    return findings


def check_work(
    findings: Sequence[Finding],
    context: Context,
    listing: VideoList,
    *,
    retry: Collection[str] = (),
    until: str = "",
) -> None:
    """Check what only the pending work of a run needs, once its videos are listed.

    Args:
        findings: Of `check_ready`.
        context: Workspace and pipeline.
        listing: Videos of the run.
        retry: Kinds of failures that are computed again.
        until: Last step of the run.

    Raises:
        UsageError: Something is missing for work that is pending.
    """
    pipeline, workspace = context.pipeline, context.workspace
    if any(found.is_missing for found in findings):
        steps = list(forecast(context, listing, shares={}, retry=retry, until=until))
        busy = {step.title for step in steps if step.pending}
        refuse_missing(pipeline, findings, idle={step.title for step in pipeline.steps} - busy)
    # A workspace with rows in it has room for most of them.
    if workspace.is_local and not _was_run(workspace.root):
        room = workspace_room(workspace.root, len(listing.videos), bytes_of(listing.videos))
        if room.state == "warning":
            _log.warning("%s: %s; %s", room.name, room.text, room.todo)


def _was_run(workspace: str) -> bool:
    """Tell whether there was a run in a workspace."""
    try:
        return Workspace.open(workspace, look=True).read_bytes(PIPELINE_FILE) is not None
    except ClipmillError:
        return False
