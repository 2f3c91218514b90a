"""`clipmill browse`."""

import os
import sys
import threading
import webbrowser
from typing import Annotated

import typer

from clipmill.audit.files import resume_audit
from clipmill.audit.schema import StrataBy
from clipmill.cli.options import DEFAULT_WORKSPACE, WorkspaceOption
from clipmill.cli.output.console import say
from clipmill.errors import UsageError
from clipmill.pipeline.recorded.last_run import require_last_run
from clipmill.review.limits import user_name


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
    judge: Annotated[
        str,
        typer.Option("--judge", help="Who judges.", show_default="the user's name"),
    ] = "",
    audit: Annotated[
        int | None,
        typer.Option(
            "--audit",
            min=1,
            max=100_000,
            metavar="N",
            help="Judge N kept and dropped clips blindly: start an audit, or go on with one.",
        ),
    ] = None,
    strata: Annotated[
        StrataBy,
        typer.Option(
            "--strata",
            help="What an audit is divided by: kept and dropped, also by step or source.",
        ),
    ] = "state",
    open_page: Annotated[
        bool | None,
        typer.Option(
            "--open/--no-open",
            help="Open the page in a browser. Default: where this is a terminal with a desktop.",
        ),
    ] = None,
) -> None:
    """Look at every clip in a browser, and judge it, until Ctrl-C.

    The server answers to this machine alone, and only to who opens the address that is printed. To
    look from another machine, forward the port: `ssh -L 8008:127.0.0.1:8008 HOST`.
    """
    from clipmill.browse.serve import listen, serve
    from clipmill.browse.site import Site

    run = require_last_run(workspace)
    judge = judge or user_name()
    page = ""
    if audit is not None:
        if read_only:
            raise UsageError("an audit writes answers: leave --read-only out")
        drawn = resume_audit(*run, judge=judge, wanted=audit, by=strata)
        page = f"audit/{drawn.blind.id}"
    listener = listen(port)
    site = Site(workspace, listener.getsockname()[1], read_only=read_only, judge=judge)
    start = site.address.replace("/?token=", f"/{page}?token=", 1)

    def ready() -> None:
        say(f"open {start}")
        say("Ctrl-C ends it")
        if _has_desktop() if open_page is None else open_page:
            # A browser of a terminal would keep this thread.
            threading.Thread(target=webbrowser.open, args=[start], daemon=True).start()

    say(f"reading {workspace}")
    with listener:
        site.pictures.warm()
        site.catalogue.warm()
        serve(site, listener, ready=ready)


def _has_desktop() -> bool:
    """Tell whether somebody sits at this machine who would see a browser."""
    if not sys.stdout.isatty() or "SSH_CONNECTION" in os.environ:
        return False
    displays = "DISPLAY", "WAYLAND_DISPLAY"
    return sys.platform in ("darwin", "win32") or any(name in os.environ for name in displays)
