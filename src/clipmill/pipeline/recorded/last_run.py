"""The last run of a workspace: noted when it begins, opened to look at it.

What says which run it was is small and has a copy each: a pipeline file that was cut off, or an
empty list of videos, does not close a workspace full of good rows.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeVar

import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from clipmill.config import Pipeline, SourceConfig, dump_pipeline
from clipmill.config.load import parse_pipeline
from clipmill.errors import ClipmillError, UsageError
from clipmill.pipeline.context import PROBE, Context
from clipmill.pipeline.inputs.identity import contents_of
from clipmill.pipeline.inputs.videos import PATH as VIDEOS_FILE
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.recorded.backends import Recorded
from clipmill.store.errors import CHECK, CorruptFileError
from clipmill.store.workspace import MARKER, Workspace

PIPELINE_FILE = "clipmill.yaml"
STAGES_FILE = "stages.json"

_STAGES = TypeAdapter(dict[str, Recorded])
_BEGIN = "# The pipeline of the last run, whole down to its last line.\n"
_END = "# end\n"
ResultT = TypeVar("ResultT")


def note_pipeline(context: Context) -> None:
    """Write which pipeline a run has, and which table each of its annotations."""
    workspace = context.workspace
    workspace.write_text(PIPELINE_FILE, _BEGIN + dump_pipeline(context.pipeline) + _END)
    stages = {name: asdict(stage.recorded) for name, stage in context.stages.items()}
    text = json.dumps(stages, indent=2, sort_keys=True)
    workspace.write_text(STAGES_FILE, text + "\n")


def keep_copies(workspace: Workspace) -> None:
    """Keep copies of the files without which nothing could be looked at."""
    for path in (MARKER, PIPELINE_FILE, STAGES_FILE, VIDEOS_FILE):
        workspace.back_up(path)


def last_pipeline(workspace: Workspace) -> Pipeline | None:
    """Return the pipeline of the last run; None when nothing was run yet.

    Raises:
        CorruptFileError: It cannot be read.
    """
    text = workspace.read_text(PIPELINE_FILE)
    if text is None:
        return None
    path = f"{workspace.root}/{PIPELINE_FILE}"
    if text.startswith(_BEGIN) and not text.endswith(_END):
        raise CorruptFileError(path, "its end is missing", CHECK)
    try:
        return parse_pipeline(text, name=path)
    except UsageError as error:
        reason = "it is empty" if not text.strip() else str(error).removeprefix(f"{path}:")
        raise CorruptFileError(path, reason, CHECK) from error


def last_run(workspace: Workspace) -> tuple[Context, VideoList] | None:
    """Return pipeline and video list of the last run; None when nothing was run yet.

    Videos are named by their content as far as `probe` has read them.

    Nothing is computed, so no model has to be installed and no weights have to be here. A damaged
    file is read from its copy, and noted in `workspace.damages`.

    Raises:
        CorruptFileError: A file is damaged and has no good copy.
    """
    pipeline = _or_copy(workspace, last_pipeline)
    listing = last_listing(workspace)
    if pipeline is None or listing is None:
        return None
    context = Context(workspace, pipeline, _or_copy(workspace, _recorded) or {})
    return context, look_past_damage(workspace, lambda: identified(listing, context))


def last_listing(workspace: Workspace) -> VideoList | None:
    """Return the list of videos as the last run left it; None when there was none."""
    return _or_copy(workspace, VideoList.load)


def last_names(workspace: Workspace) -> pa.Table | None:
    """Return the names in `last_listing`, see `VideoList.names`; None where all has to be read."""
    return _or_copy(workspace, VideoList.load_names)


def require_last_run(workspace_uri: str) -> tuple[Context, VideoList]:
    """Open a workspace to look at its last run, see `last_run`.

    Raises:
        UsageError: There is no workspace, or nothing was run in it.
        CorruptFileError: A file that says what the run was is damaged, and so is its copy.
    """
    found = last_run(Workspace.open(workspace_uri, look=True))
    if found is None:
        raise UsageError(
            f"{workspace_uri} holds no run yet; start one with: "
            f"clipmill run --input DIR --workspace {workspace_uri}"
        )
    return found


def last_inputs(workspace: Workspace) -> tuple[pa.Table | None, tuple[SourceConfig, ...]]:
    """Return the rows of the videos, and the sources, of the last run; none if they are unreadable.

    A damaged file is read from its copy, and noted in `workspace.damages`.
    """
    try:
        before = _or_copy(workspace, lambda place: place.read_table(VIDEOS_FILE))
        pipeline = _or_copy(workspace, last_pipeline)
    except ClipmillError:
        return None, ()
    return before, pipeline.sources if pipeline else ()


def identified(listing: VideoList, context: Context) -> VideoList:
    """Name the videos of a list by what `probe` has found in them."""
    if PROBE not in context.stages:
        return listing
    return listing.identified(contents_of(context.stages[PROBE].table))


def _or_copy(workspace: Workspace, read: Callable[[Workspace], ResultT | None]) -> ResultT | None:
    try:
        return read(workspace)
    except CorruptFileError as error:
        try:
            copy = read(workspace.copies)
        except CorruptFileError:
            copy = None
        if copy is None:
            raise
        workspace.look_past(error)
        return copy


def _recorded(workspace: Workspace) -> dict[str, Recorded] | None:
    text = workspace.read_text(STAGES_FILE)
    if text is None:
        return None
    try:
        return _STAGES.validate_json(text)
    except ValidationError as error:
        path = f"{workspace.root}/{STAGES_FILE}"
        raise CorruptFileError(path, error.errors()[0]["msg"], CHECK) from error


def look_past_damage(workspace: Workspace, read: Callable[[], ResultT]) -> ResultT:
    """Return what `read` gives, without the damaged tables that it meets on its way.

    Each of them is noted in `workspace.damages`, and everything is read once more without it: a
    table that is there for one step and not for the next would tell tales.

    Raises:
        CorruptFileError: A damaged file that cannot be done without.
    """
    while True:
        try:
            return read()
        except CorruptFileError as error:
            if not workspace.look_past(error):
                raise
