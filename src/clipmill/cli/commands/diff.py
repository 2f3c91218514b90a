"""`clipmill diff`: what is gained and lost between two pipeline files, or two runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from clipmill.cli.options import (
    DEFAULT_WORKSPACE,
    JsonOption,
    WorkspaceOption,
    open_last_run,
    tell_damages,
)
from clipmill.cli.output.answers import tell_json
from clipmill.cli.output.console import make_console, name
from clipmill.cli.output.tables import show_table
from clipmill.cli.pipeline_choice import read_pipeline_file
from clipmill.errors import UsageError
from clipmill.pipeline.recorded.decided import decided_before
from clipmill.pipeline.recorded.last_run import look_past_damage
from clipmill.store.workspace import Workspace
from clipmill.whatif import Difference, Evaluation, PastRun, World, compare
from clipmill.whatif.compare import GAINED, GAINED_UNMEASURED, KEPT_UNMEASURED, LOST

PREVIOUS = "@previous"
"""Behind a workspace: the whole run before its last one."""

AnswerT = TypeVar("AnswerT", Difference, Evaluation)

_CHANGES = {
    GAINED: "gained",
    LOST: "lost",
    GAINED_UNMEASURED: "gained_unmeasured",
    KEPT_UNMEASURED: "kept_unmeasured",
}
"""Changes of clips, and the fields in which scripts find their numbers."""


def diff(
    before: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A pipeline file, or the workspace of a run; WORKSPACE@previous is the run before "
            "its last one.",
        ),
    ],
    after: Annotated[
        str, typer.Argument(metavar="[B]", help="Another one. Without it, A is what comes after.")
    ] = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    clips: Annotated[
        bool, typer.Option("--clips", help="List every clip and object as well.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Tell which clips and objects are gained and lost, by step and reason; nothing is run.

    Two pipeline files are compared over what is measured in a workspace, one file with its last
    run: `clipmill diff new.yaml -w WS`. Two runs are named by their workspaces, and the run before
    the last one so: `clipmill diff WS@previous`. Clips that would have to be measured first are
    told apart.
    """
    difference = look_at_both(before, after, workspace)
    if as_json:
        tell_json("diff", _plain(difference, clips=clips))
        return
    _show(difference, clips=clips)


def look_at_both(before: str, after: str, workspace: str) -> Difference:
    """Return the difference of what the arguments name.

    Raises:
        UsageError: They are not of one kind, or cannot be read.
    """
    if before.endswith(PREVIOUS) and not after:
        after = before.removesuffix(PREVIOUS)
    given = [text for text in (before, after) if text]
    folders = [_is_workspace(text) for text in given]
    if all(folders) and after:
        return compare(*map(_run_named, given))
    if any(folders):
        raise UsageError(
            "give two pipeline files, one to compare with the last run, or two workspaces; the "
            "workspace of pipeline files is given with --workspace; WORKSPACE@previous is the run "
            "before its last one"
        )
    files = [read_pipeline_file(Path(text)) for text in given]

    def ask(world: World) -> Difference:
        evaluations = [world.ask(pipeline) for pipeline in files]
        return compare(*([] if after else [world.now()]), *evaluations)

    return _evaluated(workspace, ask)


def _is_workspace(text: str) -> bool:
    return text.endswith(PREVIOUS) or "://" in text or Path(text).is_dir()


def _run_named(text: str) -> Evaluation | PastRun:
    """Return the last run of a workspace, or the one before."""
    if text.endswith(PREVIOUS):
        return PastRun(decided_before(Workspace.open(text.removesuffix(PREVIOUS), look=True)))
    return _evaluated(text, World.now)


def _evaluated(workspace: str, ask: Callable[[World], AnswerT]) -> AnswerT:
    context, listing = open_last_run(workspace)
    answer = look_past_damage(context.workspace, lambda: ask(World(context, listing)))
    tell_damages(context.workspace)
    return answer


def _plain(difference: Difference, *, clips: bool) -> dict[str, object]:
    names = ("level", "change", "step", "reason", "count")
    answer: dict[str, object] = {"exact": difference.exact, "kept": difference.kept}
    answer |= {field: difference.count(change) for change, field in _CHANGES.items()}
    if difference.kept_objects is not None:
        kinds = difference.objects["change"].to_pylist()
        answer["objects"] = {
            "kept": difference.kept_objects,
            GAINED: kinds.count(GAINED),
            LOST: kinds.count(LOST),
        }
    answer["reasons"] = [dict(zip(names, row, strict=True)) for row in difference.reasons()]
    if clips:
        answer["clips"] = difference.clips.drop_columns(["at"]).to_pylist()
        answer["changed_objects"] = difference.objects.drop_columns(["at"]).to_pylist()
    return answer


def _show(difference: Difference, *, clips: bool) -> None:
    console = make_console()
    table = Table(title="clips", title_justify="left")
    table.add_column("change")
    table.add_column("clips", justify="right")
    table.add_row("kept by both", str(difference.kept))
    for change in _CHANGES:
        count = difference.count(change)
        if count or change in (GAINED, LOST):
            table.add_row(change, str(count))
    show_table(console, table)
    reasons = list(difference.reasons())
    if reasons:
        why = Table(title="by step and reason", title_justify="left")
        for column in ("change", "level", "step", "reason"):
            why.add_column(column, overflow="fold")
        why.add_column("count", justify="right")
        for level, change, step, reason, count in reasons:
            why.add_row(change, level, name(step), escape(reason), str(count))
        show_table(console, why)
    if clips:
        every = Table(title="clips and objects", title_justify="left")
        for column in ("change", "id", "step", "reason"):
            every.add_column(column, overflow="fold")
        for rows in (difference.clips, difference.objects):
            for row in rows.to_pylist():
                every.add_row(row["change"], row["id"], name(row["step"]), escape(row["reason"]))
        show_table(console, every)
    if not difference.exact:
        console.print(
            "clips that are not measured yet are judged by no later step, and count in no "
            "percentile: a run may decide otherwise",
            highlight=False,
            soft_wrap=True,
        )
