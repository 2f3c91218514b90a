"""`clipmill doctor`: what this machine lacks for a pipeline, before any work."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clipmill.cli.options import JsonOption, ProfileOption
from clipmill.cli.output.answers import tell_json
from clipmill.cli.output.console import make_console, name
from clipmill.cli.pipeline_choice import read_pipeline_file, with_sources
from clipmill.cli.profiles import DEFAULT_PROFILE
from clipmill.config import Pipeline, load_profile
from clipmill.config.overrides import with_settings
from clipmill.errors import UsageError
from clipmill.pipeline.check import check_pipeline
from clipmill.preflight.examine import commands, examine, grouped
from clipmill.preflight.finding import Finding
from clipmill.preflight.sources import bytes_of, look_at_sources

EXIT_MISSING = 2
_COLOURS = {"ok": "green", "warning": "yellow", "missing": "bold red"}


def doctor(
    profile: ProfileOption = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Your own pipeline file.")
    ] = None,
    input_: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", help="Sources to look at as well; may be repeated."),
    ] = None,
    workspace: Annotated[
        str,
        typer.Option("--workspace", "-w", help="Where it is to run: is there room on its disk?"),
    ] = ".",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="STEP.FIELD=VALUE", help="See `clipmill run`."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what this machine lacks for a profile or a pipeline file, and what gets it.

    Packages, weights, the memory of every GPU against every step, a caption server with its model,
    room on disk, sources, and several builds of OpenCV in one environment. Nothing is fetched,
    computed or written. The same is looked at when a run begins. Examples:

    `clipmill doctor --profile frameino`

    `clipmill doctor --config clipmill.yaml --input videos/ --workspace ws`

    Exit codes: 0 a run can begin, whatever is warned of; 2 something is missing.
    """
    if profile and config:
        raise UsageError("give --profile or --config, not both")
    pipeline = read_pipeline_file(config) if config else load_profile(profile or DEFAULT_PROFILE)
    pipeline = with_sources(with_settings(pipeline, settings or []), input_ or [])
    seen, listing = look_at_sources(pipeline)
    findings = examine(
        pipeline,
        workspace=workspace,
        fetched=False,
        videos=len(listing.videos) if listing else None,
        source_bytes=bytes_of(listing.videos) if listing else 0,
    )
    findings += seen
    wrong = _wrong(pipeline)
    ready = not wrong and not any(found.is_missing for found in findings)
    if as_json:
        tell_json("doctor", _answer(pipeline, findings, wrong, ready=ready))
    else:
        _show(make_console(), pipeline, findings, wrong, ready=ready)
    if not ready:
        raise typer.Exit(EXIT_MISSING)


def _wrong(pipeline: Pipeline) -> str:
    """Return what is wrong with the pipeline itself."""
    try:
        check_pipeline(pipeline)
    except UsageError as error:
        return str(error)
    return ""


def _answer(
    pipeline: Pipeline, findings: Sequence[Finding], wrong: str, *, ready: bool
) -> dict[str, object]:
    return {
        "pipeline": pipeline.name,
        "ready": ready,
        "problems": wrong.splitlines(),
        "findings": [asdict(found) for found in findings],
        "commands": commands(findings),
    }


def _show(
    console: Console, pipeline: Pipeline, findings: Sequence[Finding], wrong: str, *, ready: bool
) -> None:
    groups = list(grouped(findings))
    width = max(len(group.check) for group in groups)
    for group in groups:
        colour = _COLOURS[group.state]
        line = f"[{colour}]{group.state:<7}[/]  {group.check:<{width}}  {name(group.text)}"
        console.print(line, highlight=False, soft_wrap=True)
    for line in wrong.splitlines():
        console.print(f"[bold red]wrong  [/]  {name(line)}", highlight=False, soft_wrap=True)
    told = commands(findings)
    if told:
        console.print("\nget it with:", highlight=False)
        for command in told:
            console.print(f"  {name(command)}", highlight=False, soft_wrap=True)
    label = name(pipeline.places.name or pipeline.name)
    console.print(
        f"\n{label} can run here" if ready else f"\n{label} cannot run here yet", highlight=False
    )
