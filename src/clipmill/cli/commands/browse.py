"""`clipmill browse`."""

import os
import sys
import threading
import webbrowser
from typing import Annotated

import typer

from clipmill.cli.options import DEFAULT_WORKSPACE, WorkspaceOption
from clipmill.cli.output.console import say
from clipmill.pipeline.recorded.last_run import require_last_run


def browse(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=0,
            max=65535,
            help="Where to listen; 0 for any free port. Default: 8008, or any free port where that "
            "is taken.",
        ),
    ] = None,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Look only: nothing can be judged, nothing is written."),
    ] = False,
    open_page: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open",
            help="Open the page in a browser. Default: where this is a terminal with a desktop.",
        ),
    ] = None,
) -> None:
    """Look at every clip in a browser, until Ctrl-C.

    The server answers to this machine alone, and only to who opens the address that is printed. To
    look from another machine, forward the port: `ssh -L 8008:127.0.0.1:8008 HOST`.
    """
    from clipmill.browse.serve import listen, serve
    from clipmill.browse.site import Site

    require_last_run(workspace)
    listener = listen(port)
    site = Site(workspace, listener.getsockname()[1], read_only=read_only)

    def ready() -> None:
        say(f"open {site.address}")
        say("Ctrl-C ends it")
        if _has_desktop() if open_page is None else open_page:
            # A browser of a terminal would keep this thread.
            threading.Thread(target=webbrowser.open, args=[site.address], daemon=True).start()

    say(f"reading {workspace}")
    with listener:
        site.catalogue.warm()
        serve(site, listener, ready=ready)


def _has_desktop() -> bool:
    """Tell whether somebody sits at this machine who would see a browser."""
    if not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    displays = "DISPLAY", "WAYLAND_DISPLAY"
    return sys.platform in ("darwin", "win32") or any(name in os.environ for name in displays)
