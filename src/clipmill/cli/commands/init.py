"""`clipmill init`."""

from pathlib import Path
from typing import Annotated

import typer

from clipmill.cli.output.console import say
from clipmill.cli.profiles import DEFAULT_PROFILE
from clipmill.config.load import profile_text
from clipmill.disk import write_text
from clipmill.errors import UsageError


def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("clipmill.yaml"),
    profile: Annotated[
        str, typer.Option("--profile", "-p", help="Profile to start from.")
    ] = DEFAULT_PROFILE,
) -> None:
    """Write a pipeline file to edit: the steps, backends and thresholds of a profile."""
    if path.exists():
        raise UsageError(f"{path} exists; choose another name or move it away")
    write_text(path, profile_text(profile))
    say(f"wrote {path}; edit it, then: clipmill run --config {path} --input VIDEOS")
