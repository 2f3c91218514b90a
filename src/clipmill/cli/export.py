"""`clipmill export`: one command per format."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from clipmill.cli.options import DEFAULT_WORKSPACE, WorkspaceOption
from clipmill.store.workspace import Workspace

app = typer.Typer(no_args_is_help=True, help="Write the samples in the form a trainer reads.")


@app.callback()
def _group() -> None:
    """Keep the format a command of its own, also while there is only one."""


@app.command("frameino")
def frameino(
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    videos: Annotated[
        Literal["link", "copy", "none"],
        typer.Option("--videos", help="Link or copy the source videos, or leave them out."),
    ] = "link",
    stage: Annotated[
        Literal["both", "1", "2"], typer.Option("--stage", help="Training stages to write.")
    ] = "both",
    shards: Annotated[int, typer.Option("--shards", min=1, help="CSV files per stage.")] = 1,
    samples: Annotated[str, typer.Option("--samples", help="Name of the samples step.")] = (
        "training"
    ),
) -> None:
    """Write CSV shards, identity images and videos as the Frame In-N-Out loaders read them."""
    from clipmill.export.frameino import export_frameino

    console = Console()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("export", total=None)
        summary = export_frameino(
            Workspace.open(workspace),
            out,
            samples=samples,
            videos=videos,
            stage=stage,
            shards=shards,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    console.print(str(summary), highlight=False, soft_wrap=True)
