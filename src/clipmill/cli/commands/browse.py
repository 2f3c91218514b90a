"""`clipmill browse`."""

from typing import Annotated

import typer

from clipmill.audit.files import resume_audit
from clipmill.audit.schema import StrataBy
from clipmill.cli.options import DEFAULT_WORKSPACE, WorkspaceOption
from clipmill.cli.output.console import say
from clipmill.errors import UsageError
from clipmill.pipeline.recorded.last_run import require_last_run
from clipmill.review.limits import user_name

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
) -> None:
    """Look at every clip in a browser, until Ctrl-C.

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
    serve(site, listener, ready=lambda: say(f"open {start}"))
