"""The last run of a workspace, opened to look at it."""

from clipmill.config import Pipeline
from clipmill.config.load import parse_pipeline
from clipmill.pipeline.context import Context
from clipmill.pipeline.run import PIPELINE_FILE
from clipmill.pipeline.videos import VideoList
from clipmill.store.workspace import Workspace


def last_pipeline(workspace: Workspace) -> Pipeline | None:
    """Return the pipeline of the last run; None when nothing was run yet."""
    text = workspace.read_text(PIPELINE_FILE)
    if text is None:
        return None
    return parse_pipeline(text, name=f"{workspace.root}/{PIPELINE_FILE}")


def last_run(workspace: Workspace) -> tuple[Context, VideoList] | None:
    """Return pipeline and video list of the last run; None when nothing was run yet."""
    pipeline = last_pipeline(workspace)
    listing = VideoList.load(workspace)
    if pipeline is None or listing is None:
        return None
    return Context(workspace, pipeline), listing
