"""`clipmill browse`."""

from typing import Annotated

import typer

from clipmill.cli.options import DEFAULT_WORKSPACE, WorkspaceOption
from clipmill.cli.output.console import say
from clipmill.pipeline.recorded.last_run import require_last_run

DEFAULT_PORT = 8008


def browse(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Where to listen; 0 for any free port.")
    ] = DEFAULT_PORT,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Look only: nothing can be judged.")
    ] = False,
    judge: Annotated[
        str,
        typer.Option("--judge", help="Who judges.", show_default="the user's name"),
    ] = "",
) -> None:
    """Look at every clip in a browser, until Ctrl-C.

    The server answers to this machine alone, and only to who opens the address that is printed. To
    look from another machine, forward the port: `ssh -L 8008:127.0.0.1:8008 HOST`.
    """
    from clipmill.browse.serve import listen, serve
    from clipmill.browse.site import Site

    require_last_run(workspace)
    listener = listen(port)
    site = Site(workspace, listener.getsockname()[1], read_only=read_only, judge=judge)
    serve(site, listener, ready=lambda: say(f"open {site.address}"))
