"""`clipmill audit list` and `clipmill audit show`."""

from typing import Annotated

import typer

from clipmill.audit.answers import read_answers
from clipmill.audit.estimate import evaluate_audit
from clipmill.audit.files import audit_ids, audit_results, read_audit
from clipmill.cli.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption
from clipmill.cli.output.answers import tell_json
from clipmill.cli.output.audits import audit_json, show_audit, show_audits
from clipmill.cli.output.console import make_console
from clipmill.cli.output.verbosity import TalkingTyper
from clipmill.errors import UsageError
from clipmill.store.workspace import Workspace

app = TalkingTyper(
    name="audit",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Show what blind double-checking has found: precision and yield, with intervals.",
)

_NONE = "no audit was drawn yet; start one with: clipmill browse --audit 200"


@app.command("list")
def list_audits(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False
) -> None:
    """List the audits of a workspace: precision and yield, as far as judges are done."""
    results = audit_results(Workspace.open(workspace, look=True))
    if as_json:
        tell_json("audit list", {"audits": list(map(audit_json, results))})
        return
    console = make_console()
    show_audits(results, console)
    if not results:
        console.print(_NONE, highlight=False)


@app.command("show")
def show(
    audit: Annotated[
        str, typer.Argument(help="Its name, e.g. `audit-1`; default the latest.")
    ] = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Show one audit: by stratum, agreement of judges, and the clips judged against the pipeline.

    Answers of a judge who is not done are not shown: they would not be blind any more.
    """
    opened = Workspace.open(workspace, look=True)
    known = audit_ids(opened)
    if not audit and not known:
        raise UsageError(_NONE)
    audit_id = audit or known[-1]
    result = evaluate_audit(read_audit(opened, audit_id), read_answers(opened, audit_id))
    if as_json:
        tell_json("audit show", {"audit": audit_json(result)})
    else:
        show_audit(result, make_console())
