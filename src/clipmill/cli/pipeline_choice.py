"""Which pipeline a command runs: a profile or a file, with what the command line changes."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from clipmill.cli.profiles import default_pipeline
from clipmill.config import Pipeline, SourceConfig, load_pipeline, load_profile
from clipmill.config.overrides import with_settings
from clipmill.errors import UsageError


def choose_pipeline(
    profile: str | None,
    config: Path | None,
    inputs: Sequence[str],
    console: Console,
    workspace: str,
    *,
    settings: Sequence[str] = (),
    fetch: bool = True,
) -> Pipeline:
    """Load the pipeline, change it, and put the given inputs in place of its sources.

    Args:
        profile: Name of a profile.
        config: Pipeline file.
        inputs: Sources; those of the pipeline where there are none.
        console: Told when the profile is not the default one.
        workspace: Where it will run.
        settings: `step.field=value`; see `with_settings`.
        fetch: Whether the weights of the default profile are fetched to see if it can run.
    """
    if profile and config:
        raise UsageError("give --profile or --config, not both")
    if config:
        pipeline = with_settings(read_pipeline_file(config), settings)
    elif not inputs:
        raise UsageError("no videos to run on: give --input, or --config with `sources` in it")
    elif profile:
        pipeline = with_settings(load_profile(profile), settings)
    else:
        pipeline = default_pipeline(console, workspace, settings, fetch=fetch)
    return with_sources(pipeline, inputs)


def with_sources(pipeline: Pipeline, inputs: Sequence[str]) -> Pipeline:
    """Return a pipeline with the given inputs in place of its sources, if there are any."""
    if not inputs:
        return pipeline
    sources = tuple(SourceConfig(path=_absolute(path)) for path in inputs)
    return pipeline.model_copy(update={"sources": sources})


def _absolute(path: str) -> str:
    # The resolved pipeline is kept in the workspace and must hold from any folder.
    return path if "://" in path else str(Path(path).absolute())


def read_pipeline_file(path: Path) -> Pipeline:
    """Load a pipeline file; backends of one's own may stand in modules beside it.

    Its folder is looked into last, here and in worker processes: a file there cannot take the place
    of a library. The current directory is not looked into.
    """
    folder = str(path.absolute().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    return load_pipeline(path)
