"""`clipmill check`: damaged files of a workspace, found and moved aside."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from clipmill.audit.damage import AUDITS
from clipmill.cli.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption
from clipmill.cli.output.answers import tell_json
from clipmill.cli.output.console import make_console, name
from clipmill.pipeline import walk
from clipmill.pipeline.recorded.last_run import last_run, look_past_damage
from clipmill.pipeline.recorded.repair import JUDGEMENTS, Repaired, find_all_damage, repair
from clipmill.store.errors import CorruptFileError
from clipmill.store.integrity import Damage
from clipmill.store.workspace import Workspace

_RECORDS = (JUDGEMENTS, AUDITS)


def check(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    mend: Annotated[
        bool, typer.Option("--repair", help="Move damaged files aside, into WORKSPACE/damaged.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read every file of a workspace and tell which are damaged; exit code 1 when some are.

    With `--repair` they are moved aside, nothing is deleted, and the next run computes what was in
    them again. A file that this machine cannot read now (permissions, a failing disk) is an error,
    not damage.
    """
    opened = Workspace.open(workspace, look=True)
    with make_console(stderr=True).status("reading") as status:

        def show(path: str) -> None:
            status.update(f"reading {name(path)}")

        damages = find_all_damage(opened, records=_RECORDS, on_file=show)
    mended: list[Repaired] = []
    if mend and damages:
        with opened.lock():
            mended = [repair(opened, damage, records=_RECORDS) for damage in damages]
    if as_json:
        found = [asdict(entry) for entry in mended] or [{"damage": asdict(d)} for d in damages]
        tell_json("check", {"damages": found})
    else:
        _say(make_console(), damages, mended, workspace)
    if damages and not mend:
        raise typer.Exit(1)


def _say(console: Console, damages: list[Damage], mended: list[Repaired], workspace: str) -> None:
    lines = []
    for damage in damages:
        lines.append(f"damaged: {name(damage.path)}: {name(damage.reason)}")
    for entry in mended:
        lines.append(f"moved to {name(entry.moved_to)}: {entry.then}")
    if not damages:
        lines.append(f"every file of {name(workspace)} can be read")
    elif mended:
        lines += _pending(workspace)
        lines.append("now run the same command as before")
    else:
        lines.append(f"move them aside: clipmill check --repair --workspace {name(workspace)}")
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def _pending(workspace: str) -> list[str]:
    """Return what the next run begins with, as far as it can be told."""
    opened = Workspace.open(workspace, look=True)
    try:
        run = last_run(opened)
        reports = [] if run is None else look_past_damage(opened, lambda: list(walk(*run)))
    except CorruptFileError:
        return []
    return [f"{r.title}: {r.pending} {r.unit} are computed again" for r in reports if r.pending]
