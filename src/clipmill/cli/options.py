"""Options that several commands share."""

import os
from typing import Annotated

import typer

from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.last import last_run
from clipmill.pipeline.videos import VideoList
from clipmill.store.workspace import Workspace

WorkspaceOption = Annotated[
    str,
    typer.Option(
        "--workspace", "-w", help="Folder or fsspec URL of the workspace.", show_default=True
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        help="A pipeline that ships with clipmill: `cpu` (the default), `embedded` (nothing to "
        "download) or `frameino` (GPU). Without the option, `embedded` runs where the weights of "
        "`cpu` cannot be had.",
    ),
]
WorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        "-j",
        min=0,
        help="Worker processes; 0 runs everything in this process. Default: one per core, "
        "at most 8.",
    ),
]

DEFAULT_WORKSPACE = "workspace"
MAX_DEFAULT_WORKERS = 8


def worker_count(given: int | None) -> int:
    """Return the number of workers to start."""
    if given is not None:
        return given
    return min(MAX_DEFAULT_WORKERS, os.cpu_count() or 1)


def open_last_run(workspace_uri: str) -> tuple[Context, VideoList]:
    """Return the context and video list of the last run in a workspace.

    Raises:
        UsageError: There is no workspace, or nothing was run in it.
    """
    found = last_run(Workspace.open(workspace_uri))
    if found is None:
        raise UsageError(
            f"{workspace_uri} holds no run yet; start one with: "
            f"clipmill run --input DIR --workspace {workspace_uri}"
        )
    return found
