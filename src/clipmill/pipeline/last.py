"""The last run of a workspace, opened to look at it."""

from clipmill.config.load import parse_pipeline
from clipmill.pipeline.context import Context
from clipmill.pipeline.run import PIPELINE_FILE
from clipmill.pipeline.videos import VideoList
from clipmill.store.workspace import Workspace


def last_run(workspace: Workspace) -> tuple[Context, VideoList] | None:
    """Return pipeline and video list of the last run; None when nothing was run yet."""
    text = workspace.read_text(PIPELINE_FILE)
    listing = VideoList.load(workspace)
    if text is None or listing is None:
        return None
    pipeline = parse_pipeline(text, name=f"{workspace.root}/{PIPELINE_FILE}")
    return Context(workspace, pipeline), listing
