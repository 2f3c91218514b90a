"""`clipmill run`."""

import logging
import shlex
import signal
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperCommand

from clipmill.cli.dry_run import dry_run as tell_dry_run
from clipmill.cli.interrupt import interruptible
from clipmill.cli.options import (
    DEFAULT_WORKSPACE,
    AddressOption,
    EngineOption,
    JsonOption,
    ProfileOption,
    RunWorkersOption,
    WorkspaceOption,
)
from clipmill.cli.output.answers import summary_json, tell_json
from clipmill.cli.output.console import make_console, name
from clipmill.cli.output.logs import log_command
from clipmill.cli.output.rates import show_rates
from clipmill.cli.output.run_log import logged
from clipmill.cli.output.verbosity import TalkingTyper, is_quiet
from clipmill.cli.pipeline_choice import choose_pipeline
from clipmill.cli.profiles import fetch_at_first_use
from clipmill.config import Pipeline
from clipmill.engine.choose import EngineName, choose_engine
from clipmill.errors import UsageError
from clipmill.failures import EVERY_KIND, check_kinds
from clipmill.pipeline import RunSummary, run_pipeline
from clipmill.pipeline.ready import check_ready
from clipmill.pipeline.steps.registry import make_step
from clipmill.store.workspace import Workspace
from clipmill.weights.errors import PULL_ERRORS

EXIT_POSTPONED = 3
"""A run that is at its end, and there are clips that the machine could not do."""

RETRY = "--retry-failed"

_log = logging.getLogger("clipmill.run")


class RunCommand(TyperCommand):
    """Lets `--retry-failed` stand without a value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See click; a bare `--retry-failed` means all kinds."""
        following = [*args[1:], "-"][: len(args)]
        bare = [
            f"{RETRY}=all" if given == RETRY and after.startswith("-") else given
            for given, after in zip(args, following, strict=True)
        ]
        return super().parse_args(ctx, bare)


def run(
    input_: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            help="Folder of videos, one video, a manifest, .tar shards or a URL; may be repeated.",
        ),
    ] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    profile: ProfileOption = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Your own pipeline file.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="STEP.FIELD=VALUE",
            help="Change a field of a step for this run, e.g. `quality.min_population=20` or "
            "`objects.config.max_objects=2`; may be repeated.",
        ),
    ] = None,
    workers: RunWorkersOption = None,
    engine: EngineOption = EngineName.LOCAL,
    address: AddressOption = "",
    until: Annotated[
        str, typer.Option("--until", help="Stop after this step, e.g. `quality`.")
    ] = "",
    retry_failed: Annotated[
        str,
        typer.Option(
            RETRY,
            metavar="[KINDS]",
            help="Compute clips again that failed by a fault of their own: all of them, or of some "
            "kinds, e.g. `timeout,decode`; `clipmill failed` names the kinds. What the machine "
            "could not do is computed again without it.",
        ),
    ] = "",
    keep_going: Annotated[
        bool,
        typer.Option(
            "--keep-going",
            help="Go on although the first clips of a step all fail in the same way.",
        ),
    ] = False,
    allow_fewer: Annotated[
        bool,
        typer.Option(
            "--allow-fewer",
            help="Go on although a source holds far fewer videos than in the last run, and replace "
            "samples although none is left.",
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Leave with exit code 1 when a clip failed.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Tell what is to be computed and for how long; do none of it."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a pipeline over videos; interrupted at any moment, the same command goes on.

    Only what is missing is computed: change a threshold in the pipeline file, run again, and
    no model runs. Examples:

    `clipmill run --input videos/ --workspace ws`

    `clipmill run --input a/ --input b/ --config clipmill.yaml --workspace ws --workers 4`

    `clipmill run --input videos/ --workspace ws --set quality.min_population=20 --dry-run`

    `clipmill run --input /mnt/videos --workspace /mnt/ws --engine ray --address 10.0.0.1:6379`

    Progress goes to stderr, the result to stdout, everything to a file in `WORKSPACE/logs`.

    Exit codes: 0 done, whatever clips failed by a fault of their own (1 with --strict);
    3 done but for clips that the machine could not do: the same command tries them again;
    1 stopped by an error on the way, everything finished is kept; 2 wrong usage or configuration,
    nothing was begun; 130 interrupted.
    """
    console = make_console(stderr=True)
    kinds = _kinds_of(retry_failed)
    pipeline = choose_pipeline(
        profile,
        config,
        input_ or [],
        console,
        workspace,
        settings=settings or [],
        fetch=not dry_run,
    )
    if dry_run:
        tell_dry_run(
            pipeline,
            workspace,
            workers=workers,
            until=until,
            retry_failed=kinds,
            gpus=engine is EngineName.LOCAL,
            as_json=as_json,
        )
        return
    summary = execute(
        pipeline,
        workspace,
        console,
        workers,
        until,
        kinds,
        keep_going=keep_going,
        allow_fewer=allow_fewer,
        engine_name=engine,
        address=address,
    )
    if as_json:
        tell_json("run", summary_json(summary))
    else:
        _say(summary, workspace, make_console())
    if summary.postponed:
        raise typer.Exit(EXIT_POSTPONED)
    if strict and summary.failed:
        raise typer.Exit(1)


def _kinds_of(text: str) -> frozenset[str]:
    """Return the kinds of failures that an option names."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["all"]:
        return EVERY_KIND
    try:
        return check_kinds(names)
    except ValueError as error:
        raise UsageError(f"{RETRY}: {error}") from error


app = TalkingTyper(rich_markup_mode="markdown")
app.command("run", cls=RunCommand)(run)


def execute(
    pipeline: Pipeline,
    workspace: str,
    console: Console,
    workers: int | None,
    until: str = "",
    retry_failed: Collection[str] = (),
    *,
    keep_going: bool = False,
    allow_fewer: bool = False,
    engine_name: EngineName = EngineName.LOCAL,
    address: str = "",
) -> RunSummary:
    """Run a pipeline with progress on the console, and a log in the workspace."""
    log_command()
    # Before a workspace is made for it: first what needs no network to be known.
    here = engine_name is EngineName.LOCAL
    for found in check_ready(pipeline, workspace, until=until, fetched=False, gpus=here):
        if found.state == "warning":
            _log.warning("%s: %s: %s; %s", found.check, found.name, found.text, found.todo)
    try:
        fetch_at_first_use(pipeline)
    except PULL_ERRORS as error:
        raise UsageError(str(error)) from error
    opened = Workspace.open(workspace, create=True)
    engine = choose_engine(workers, name=engine_name, address=address)
    # A cluster's polite kill means the same as Ctrl-C: commit what is done, then leave.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with interruptible(), logged(opened, console, _steps(pipeline, until)) as observer:
            return run_pipeline(
                pipeline,
                opened,
                engine=engine,
                until=until,
                retry_failed=retry_failed,
                keep_going=keep_going,
                allow_fewer=allow_fewer,
                observer=observer,
            )
    finally:
        engine.close()


def _steps(pipeline: Pipeline, until: str) -> int:
    """Return the number of steps of a run, the listing of sources counted as one."""
    names = [make_step(step).names for step in pipeline.steps]
    last = next((n for n, known in enumerate(names) if until in known), len(names) - 1)
    return last + 2


def _say(summary: RunSummary, workspace: str, console: Console) -> None:
    if not is_quiet():
        console.print(
            f"{summary.samples} samples, {summary.stage2_samples} of them ready for stage 2; "
            f"{summary.failed} failed",
            highlight=False,
        )
    for line in _lost(summary, workspace):
        console.print(line, highlight=False, soft_wrap=True)
    if is_quiet():
        return
    show_rates(summary.rates, console)
    console.print(
        f"look at them:  clipmill report --workspace {workspace}\n"
        f"why is a clip out:  clipmill why PATH-OR-ID --workspace {workspace}",
        highlight=False,
        soft_wrap=True,
    )


def _lost(summary: RunSummary, workspace: str) -> Iterator[str]:
    """Yield what the run could not do, and the commands that try it again."""
    again = shlex.join(["clipmill", *(word for word in sys.argv[1:] if not word.startswith(RETRY))])
    if summary.postponed:
        yield (
            f"[bold magenta]not done:[/] {summary.postponed} "
            f"{_thing(summary.postponed)} that the machine could not do now "
            f"({_counts(summary.postponed_kinds)}). That is no verdict on them; the same command "
            f"tries them again:  {name(again)}"
        )
    if summary.failed_kinds:
        kinds = ",".join(summary.failed_kinds)
        yield (
            f"[bold red]failed:[/] {sum(summary.failed_kinds.values())} by a fault of their own "
            f"({_counts(summary.failed_kinds)}). After fixing the cause:  "
            f"{name(again)} {RETRY}={kinds}"
        )
    if summary.postponed or summary.failed:
        yield f"what happened to them:  clipmill failed --workspace {name(workspace)}"


def _thing(count: int) -> str:
    return "video or clip" if count == 1 else "videos or clips"


def _counts(kinds: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in kinds.items())
