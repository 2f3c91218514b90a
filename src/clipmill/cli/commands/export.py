"""`clipmill export`: one command per format, and `verify`."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from clipmill.cli.commands.export_options import (
    bytes_of,
    options_from,
    profile_from,
    signature_of,
    with_signature,
)
from clipmill.cli.options import JsonOption, worker_count
from clipmill.cli.output.answers import tell_json
from clipmill.cli.output.console import make_console, say
from clipmill.cli.output.tables import is_live
from clipmill.cli.output.verbosity import TalkingTyper, is_quiet
from clipmill.errors import UsageError
from clipmill.export.containers.registry import find_container
from clipmill.export.content.sample_filter import SampleFilter
from clipmill.export.formats.base import Format
from clipmill.export.formats.registry import FORMATS, find_format
from clipmill.export.job.plan import ExportPlan, ExportReport
from clipmill.export.job.run import run_export
from clipmill.export.job.verify import verify_export
from clipmill.store.workspace import Workspace

app = TalkingTyper(
    no_args_is_help=True,
    help="Write the samples in the form a trainer reads. An export computes nothing new, can be "
    "stopped and run again, and changes nothing in the workspace.",
)

_VIDEOS = (
    Annotated[
        Literal["link", "copy", "none", "cut"],
        typer.Option(
            help="Whole source videos, linked, copied or left out; or videos cut to the samples.",
            rich_help_panel="This format",
        ),
    ],
    "link",
)
_STAGE = (
    Annotated[
        Literal["both", "1", "2"],
        typer.Option(help="Training stages to write.", rich_help_panel="This format"),
    ],
    "both",
)


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=is_quiet() or not is_live(console),
    )


def _export(given: SimpleNamespace, format_: type[Format[Any]]) -> None:
    console = make_console(stderr=True)
    plan = ExportPlan(
        format_=format_(options_from(given, format_)),
        container=find_container(given.container),
        profile=profile_from(given, default=format_.profile),
        choice=SampleFilter(
            samples=given.samples,
            stage=format_.stage,
            where=given.where,
            limit=given.limit,
            captions=given.captions,
        ),
        workers=worker_count(given.workers),
        shard_bytes=bytes_of(given.shard_size),
    )
    with _bars(console) as progress:
        task = progress.add_task(f"export {format_.name}", total=None)
        report = run_export(
            Workspace.open(given.workspace),
            Path(given.out),
            plan,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
            on_notice=partial(_notice, progress.console),
        )
    _say(report, as_json=given.json_)
    if given.verify:
        _verify(Path(given.out), as_json=given.json_)
    if report.failed:
        raise typer.Exit(1)


def _notice(console: Console, text: str) -> None:
    """Say before the work begins what it will not reach."""
    console.print(f"note: {text}", highlight=False, markup=False, soft_wrap=True)


def _say(report: ExportReport, *, as_json: bool) -> None:
    if as_json:
        tell_json("export", asdict(report), indent=None)
    else:
        say(str(report))


def _verify(out: Path, *, as_json: bool) -> None:
    console = make_console(stderr=True)
    with _bars(console) as progress:
        task = progress.add_task("verify", total=None)
        found = verify_export(out, on_progress=lambda done: progress.update(task, completed=done))
    if as_json:
        tell_json("export verify", asdict(found), indent=None)
    else:
        say(str(found))
    if found.problems:
        raise typer.Exit(1)


def _frameino(given: SimpleNamespace, format_: type[Format[Any]]) -> None:
    """Whole source videos have an exporter of their own; cut ones are made like other formats."""
    if given.videos == "cut":
        if given.stage != "both":
            raise UsageError("--stage chooses between whole videos; cut videos have both stages")
        _export(given, format_)
        return
    changing = ("frames", "fps", "size", "aspect", "long_side", "max_frames", "count", "fit")
    named = [name for name in changing if getattr(given, name) is not None]
    if named or given.container != "folder":
        option = f"--{named[0].replace('_', '-')}" if named else "--as"
        raise UsageError(f"{option} changes the videos; it needs --videos cut")
    from clipmill.export.formats.frameino.source_videos import export_frameino

    console = make_console(stderr=True)
    with _bars(console) as progress:
        task = progress.add_task("export frameino", total=None)
        summary = export_frameino(
            Workspace.open(given.workspace),
            Path(given.out),
            samples=given.samples,
            videos=given.videos,
            stage=given.stage,
            shards=given.shards,
            where=given.where,
            limit=given.limit,
            min_frames=given.min_frames or 1,
            captions=given.captions,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
            on_notice=partial(_notice, progress.console),
        )
    if given.json_:
        tell_json("export", asdict(summary), indent=None)
    else:
        say(str(summary))
    if given.verify:
        _verify(Path(given.out), as_json=given.json_)


def _command(name: str) -> None:
    format_ = find_format(name)
    run, more = _export, {}
    if name == "frameino":
        run, more = _frameino, {"videos": _VIDEOS, "stage": _STAGE}
    command = with_signature(lambda given: run(given, format_), signature_of(format_, **more))
    app.command(name, help=format_.summary)(command)


for _name in FORMATS:
    _command(_name)


@app.command("verify")
def verify(
    out: Annotated[Path, typer.Argument(help="Folder of an export.")],
    json_: JsonOption = False,
) -> None:
    """Read an export again: sizes, checksums, frames, arrays, images."""
    _verify(out, as_json=json_)
