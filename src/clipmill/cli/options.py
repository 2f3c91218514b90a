"""Options that several commands share."""

import os
from typing import Annotated

import typer

from clipmill.cli.output.console import make_console, name
from clipmill.cli.start import spare_pandas
from clipmill.engine.choose import EngineName
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.recorded.last_run import look_past_damage, require_last_run
from clipmill.pipeline.recorded.look import LastRun, reports_of
from clipmill.pipeline.verdicts import StepReport
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
        "`cpu` cannot be fetched.",
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
RunWorkersOption = Annotated[
    int | None,
    typer.Option(
        "--workers",
        "-j",
        min=0,
        help="Worker processes; of steps with a GPU, the most; 0 runs everything in this process. "
        "Default: as many as cores, memory and GPUs have room for, step by step.",
    ),
]

EngineOption = Annotated[
    EngineName,
    typer.Option(
        "--engine",
        help="Where workers run: `local`, on this machine, or `ray`, on the machines of a Ray "
        "cluster (docs/cluster.md).",
    ),
]
AddressOption = Annotated[
    str,
    typer.Option(
        "--address",
        metavar="HOST:PORT",
        help="Head of the Ray cluster. Default: `RAY_ADDRESS`, or else Ray on this machine alone.",
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
    """Return the context and video list of the last run in a workspace, to look at it.

    Raises:
        UsageError: There is no workspace, or nothing was run in it.
        CorruptFileError: A file that says what the run was is damaged, and so is its copy.
    """
    spare_pandas()
    return require_last_run(workspace_uri)


def look(workspace_uri: str) -> LastRun:
    """Return the last run in a workspace; its damaged files are told once `tell_damages` is asked.

    Raises:
        UsageError: There is no workspace, or nothing was run in it.
        CorruptFileError: A file that says what the run was is damaged, and so is its copy.
    """
    spare_pandas()
    return LastRun(workspace_uri)


def evaluate(context: Context, listing: VideoList) -> list[StepReport]:
    """Evaluate the steps without damaged files; those are told on stderr."""
    reports = look_past_damage(context.workspace, lambda: reports_of(context, listing))
    tell_damages(context.workspace)
    return reports


def tell_damages(workspace: Workspace) -> None:
    """Tell the damaged files that were looked past."""
    console = make_console(stderr=True)
    for damage in workspace.damages:
        console.print(
            f"[yellow]damaged:[/] {name(damage.path)}: {name(damage.reason)}; shown without it. "
            f"To repair it: clipmill check --repair --workspace {name(workspace.root)}",
            highlight=False,
            soft_wrap=True,
        )
