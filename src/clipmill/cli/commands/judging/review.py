"""`clipmill review`: judging without a browser, and putting judgements together."""

from collections import Counter
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.markup import escape
from rich.table import Table

from clipmill.cli.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption, open_last_run
from clipmill.cli.output.answers import tell_json
from clipmill.cli.output.console import make_console, name
from clipmill.cli.output.tables import show_table
from clipmill.cli.output.verbosity import TalkingTyper
from clipmill.errors import UsageError
from clipmill.inspection.judging import judgement_of
from clipmill.pipeline.recorded.remembered import judged_since
from clipmill.review import Judgement, ReviewState, ReviewStore
from clipmill.review.judgement import Kind
from clipmill.review.limits import user_name
from clipmill.store.workspace import Workspace

app = TalkingTyper(
    name="review",
    no_args_is_help=True,
    help="Judge clips, samples and objects, and put the judgements of several people together.",
)

JudgeOption = Annotated[
    str, typer.Option("--judge", help="Who judges.", show_default="the user's name")
]


@app.command("list")
def show_judgements(
    target: Annotated[
        str, typer.Argument(help="Only of this video or clip, by the beginning of its id.")
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also what was taken back.")] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """List what was said, oldest first."""
    state = ReviewStore.open(workspace).state()
    rows = state.rows if everything else state.standing
    mine = {key: row for key, row in rows.items() if row.clip.clip_id.startswith(target)}
    if as_json:
        told = [judgement_json(row, undone=key in state.undone) for key, row in mine.items()]
        tell_json("review list", {"judgements": told, **review_json(state)})
        return
    table = Table()
    for column in ("id", "when", "who", "what", "of", "said"):
        table.add_column(column, overflow="fold")
    for key, row in mine.items():
        what = f"[strike]{row.kind}[/]" if key in state.undone else row.kind
        of = row.object_id or row.clip.clip_id
        when = f"{row.when[:10]} {row.when[11:16]}"
        table.add_row(key, when, escape(row.who), what, of, escape(row.value))
    console = make_console()
    show_table(console, table)
    console.print(review_line(state), highlight=False)


@app.command("add")
def add_judgement(
    kind: Annotated[
        str,
        typer.Argument(help="keep, drop, star, tag, caption, drop_object or note."),
    ],
    target: Annotated[str, typer.Argument(help="Id of a clip, a sample or an object.")],
    value: Annotated[str, typer.Argument(help="Reason, tag, caption or note.")] = "",
    judge: JudgeOption = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Say something of a clip, a sample or an object; the next run takes it into account."""
    kinds = tuple(known for known in get_args(Kind) if known != "undo")
    chosen = next((known for known in kinds if known == kind), None)
    if chosen is None:
        raise UsageError(f"'{kind}' is nothing to say; there are: {', '.join(kinds)}")
    context, listing = open_last_run(workspace)
    row = judgement_of(context, listing, target, chosen, value, who=judge or user_name())
    key = ReviewStore.open(workspace).add(row)
    if as_json:
        tell_json("review add", {"id": key})
        return
    make_console().print(
        f"{key}: {row.kind} of {target}; the next `clipmill run` takes it into account",
        highlight=False,
        soft_wrap=True,
    )


@app.command("undo")
def undo_judgement(
    identity: Annotated[str, typer.Argument(metavar="ID", help="As `clipmill review list` says.")],
    judge: JudgeOption = "",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Take a judgement back; that can be taken back, too."""
    key = ReviewStore.open(workspace).undo(identity, who=judge or user_name())
    if as_json:
        tell_json("review undo", {"id": key})
    else:
        make_console().print(f"{key}: {identity} is taken back", highlight=False)


@app.command("merge")
def merge_judgements(
    files: Annotated[
        list[Path], typer.Argument(help="Files of judgements, folders of them, or workspaces.")
    ],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Add the judgements of other people; what is known already is not added again."""
    store = ReviewStore.open(workspace)
    merged = store.merge(files)
    conflicts = len(list(store.state().conflicts()))
    if as_json:
        told = {"added": merged.added, "known": merged.known, "newer": merged.newer}
        tell_json("review merge", {**told, "lost": merged.lost, "conflicts": conflicts})
        return
    console = make_console()
    console.print(f"{merged.added} judgements added, {merged.known} known already")
    for path, why in merged.lost.items():
        console.print(f"[yellow]damaged:[/] {name(path)}: {name(why)}", highlight=False)
    if merged.newer:
        console.print(f"{merged.newer} of a later version of clipmill were not taken")
    if conflicts:
        console.print(f"people disagree {conflicts} times: `clipmill review conflicts`")


@app.command("conflicts")
def show_conflicts(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False
) -> None:
    """Show where people disagree: one keeps and another one drops, or two captions."""
    found = list(ReviewStore.open(workspace).state().conflicts())
    if as_json:
        told = [
            {
                "clip_id": conflict.clip.clip_id,
                "about": conflict.about,
                "judgements": [judgement_json(row) for row in conflict.rows],
            }
            for conflict in found
        ]
        tell_json("review conflicts", {"conflicts": told})
        return
    console = make_console()
    if not found:
        console.print("nobody disagrees")
        return
    table = Table()
    for column in ("clip", "about", "who", "when", "said"):
        table.add_column(column, overflow="fold")
    for conflict in found:
        for row in conflict.rows:
            said = row.value if conflict.about == "caption" else f"{row.kind} {row.value}"
            when = f"{row.when[:10]} {row.when[11:16]}"
            table.add_row(
                conflict.clip.clip_id, conflict.about, escape(row.who), when, escape(said)
            )
    show_table(console, table)
    console.print(
        "to settle one, say something new, or take one back: clipmill review undo ID",
        highlight=False,
    )


def judgement_json(row: Judgement, *, undone: bool = False) -> dict[str, object]:
    """Return a judgement for scripts."""
    more = {"undone": True} if undone else {}
    return {"id": row.id, "clip_id": row.clip.clip_id, **row.model_dump(mode="json"), **more}


def review_json(state: ReviewState) -> dict[str, object]:
    """Return the counts of a workspace's judgements for scripts."""
    kinds = Counter(row.kind for row in state.standing.values())
    return {
        "standing": len(state.standing),
        "clips": len(state.clips),
        "kinds": dict(sorted(kinds.items())),
        "people": sorted({row.who for row in state.standing.values()}),
        "conflicts": len(list(state.conflicts())),
        "damaged": {damage.path: damage.reason for damage in state.damages},
        "newer": state.newer,
    }


def review_line(state: ReviewState, workspace: Workspace | None = None) -> str:
    """Return the counts of a workspace's judgements for people, as markup."""
    kinds = Counter(row.kind for row in state.standing.values())
    people = sorted({row.who for row in state.standing.values()})
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    lines = [
        f"judgements: {len(state.standing)} of {len(state.clips)} clips by "
        f"{escape(', '.join(people))} ({counts})"
        if people
        else "judgements: none"
    ]
    if conflicts := len(list(state.conflicts())):
        lines.append(f"people disagree {conflicts} times: `clipmill review conflicts`")
    if workspace is not None and judged_since(workspace):
        lines.append("some are newer than the samples: `clipmill run` takes them into account")
    lines += [f"[yellow]damaged:[/] {name(d.path)}: {name(d.reason)}" for d in state.damages]
    return "\n".join(lines)
