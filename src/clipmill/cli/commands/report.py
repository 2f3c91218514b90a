"""`clipmill report`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clipmill.cli.options import (
    DEFAULT_WORKSPACE,
    JsonOption,
    WorkspaceOption,
    open_last_run,
    tell_damages,
)
from clipmill.cli.output.answers import tell_json
from clipmill.cli.output.console import make_console, say
from clipmill.cli.output.tables import is_live
from clipmill.cli.output.verbosity import is_quiet
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.recorded.last_run import look_past_damage


def report(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder; default WORKSPACE/report.")
    ] = None,
    gallery: Annotated[
        int, typer.Option("--gallery", min=0, help="Clips to show with their overlays.")
    ] = 24,
    encode_previews: Annotated[
        bool,
        typer.Option(
            "--encode-previews",
            help="Encode all frames of these clips small, for a page that is passed on; else what "
            "browsers play is copied out of the sources.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write one HTML page: funnel, histograms with cut lines, failures, clips with overlays."""
    context, listing = open_last_run(workspace)
    folder = out or context.workspace.local_path("report")
    if folder is None:
        raise UsageError("the workspace is remote: say where to write the report with --out DIR")
    page = write_report(
        context,
        listing,
        folder,
        gallery,
        make_console(stderr=True),
        encode_previews=encode_previews,
    )
    tell_damages(context.workspace)
    if as_json:
        tell_json("report", {"page": page})
    else:
        say(f"open {page}")


def write_report(
    context: Context,
    listing: VideoList,
    folder: Path,
    gallery: int,
    console: Console,
    *,
    encode_previews: bool = False,
) -> Path:
    """Write the report with a progress bar."""
    from rich.progress import Progress

    from clipmill.report.build import build_report

    with Progress(
        console=console, transient=True, disable=is_quiet() or not is_live(console)
    ) as progress:
        task = progress.add_task("previews", total=None)
        return look_past_damage(
            context.workspace,
            lambda: build_report(
                context,
                listing,
                out=folder,
                gallery=gallery,
                encode_previews=encode_previews,
                on_progress=lambda done, total: progress.update(task, completed=done, total=total),
            ),
        )
