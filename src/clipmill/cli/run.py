"""`clipmill run`."""

import json
import signal
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clipmill.cli.console import make_console
from clipmill.cli.interrupt import interruptible
from clipmill.cli.options import (
    DEFAULT_WORKSPACE,
    JsonOption,
    ProfileOption,
    WorkersOption,
    WorkspaceOption,
    worker_count,
)
from clipmill.cli.profiles import default_pipeline, fetch_at_first_use
from clipmill.cli.progress import make_progress
from clipmill.config import Pipeline, SourceConfig, load_pipeline, load_profile
from clipmill.engine.inprocess import InProcessEngine
from clipmill.engine.local import LocalEngine
from clipmill.errors import UsageError
from clipmill.pipeline import RunSummary, StepReport, run_pipeline
from clipmill.pipeline.check import check_pipeline
from clipmill.store.workspace import Workspace
from clipmill.weights.errors import PULL_ERRORS


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
    workers: WorkersOption = None,
    until: Annotated[
        str, typer.Option("--until", help="Stop after this step, e.g. `quality`.")
    ] = "",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Compute failed clips again.")
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
    as_json: JsonOption = False,
) -> None:
    """Run a pipeline over videos; interrupted at any moment, the same command goes on.

    Only what is missing is computed: change a threshold in the pipeline file, run again, and
    no model runs. Examples:

    `clipmill run --input videos/ --workspace ws`

    `clipmill run --input a/ --input b/ --config clipmill.yaml --workspace ws --workers 4`
    """
    console = make_console(stderr=as_json)
    pipeline = choose_pipeline(profile, config, input_ or [], console, workspace)
    summary = execute(
        pipeline, workspace, console, workers, until, retry_failed, allow_fewer=allow_fewer
    )
    if as_json:
        typer.echo(json.dumps(summary_json(summary), indent=2))
    else:
        _say(summary, workspace, console)
    if strict and summary.failed:
        raise typer.Exit(1)


def choose_pipeline(
    profile: str | None,
    config: Path | None,
    inputs: list[str],
    console: Console,
    workspace: str,
) -> Pipeline:
    """Load the pipeline and put the given inputs in place of its sources."""
    if profile and config:
        raise UsageError("give --profile or --config, not both")
    if config:
        pipeline = load_pipeline(config)
    elif not inputs:
        raise UsageError("no videos to run on: give --input, or --config with `sources` in it")
    else:
        pipeline = load_profile(profile) if profile else default_pipeline(console, workspace)
    if inputs:
        sources = tuple(SourceConfig(path=_absolute(path)) for path in inputs)
        pipeline = pipeline.model_copy(update={"sources": sources})
    return pipeline


def _absolute(path: str) -> str:
    # The resolved pipeline is kept in the workspace and must hold from any folder.
    return path if "://" in path else str(Path(path).absolute())


def execute(
    pipeline: Pipeline,
    workspace: str,
    console: Console,
    workers: int | None,
    until: str = "",
    retry_failed: bool = False,
    *,
    allow_fewer: bool = False,
) -> RunSummary:
    """Run a pipeline with progress on the console."""
    # Before a workspace is made for it: first what needs no network to be known.
    check_pipeline(pipeline, fetched=False)
    try:
        fetch_at_first_use(pipeline)
    except PULL_ERRORS as error:
        raise UsageError(str(error)) from error
    count = worker_count(workers)
    engine = LocalEngine(count) if count else InProcessEngine()
    # A cluster's polite kill means the same as Ctrl-C: commit what is done, then leave.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with interruptible(), make_progress(console) as progress:
            return run_pipeline(
                pipeline,
                Workspace.open(workspace, create=True),
                engine=engine,
                until=until,
                retry_failed=retry_failed,
                allow_fewer=allow_fewer,
                observer=progress,
            )
    finally:
        engine.close()


def summary_json(summary: RunSummary) -> dict[str, object]:
    """Return the summary of a run for scripts."""
    return {
        "samples": summary.samples,
        "stage2_samples": summary.stage2_samples,
        "failed": summary.failed,
        "computed": summary.computed,
        "changes": asdict(summary.changes),
        "peak_rss_bytes": summary.peak_rss,
        "sources": summary.account.model_dump(mode="json")["sources"],
        "steps": [step_json(report) for report in summary.reports],
    }


def step_json(report: StepReport) -> dict[str, object]:
    """Return what a step did for scripts."""
    names = (
        "title", "kind", "unit", "backend", "fingerprint", "entering", "leaving", "dropped",
        "failed", "pending", "objects_dropped", "samples", "stage2_samples",
    )  # fmt: skip
    return {name: getattr(report, name) for name in names} | {"reasons": _reasons(report)}


def _reasons(report: StepReport) -> dict[str, int]:
    """Counts of dropped and failed things by reason."""
    rows = report.verdicts.select(["state", "rule"]).to_pylist()
    return dict(Counter(row["rule"] for row in rows if row["state"] in {"dropped", "failed"}))


def _say(summary: RunSummary, workspace: str, console: Console) -> None:
    console.print(
        f"\n{summary.samples} samples, {summary.stage2_samples} of them ready for stage 2; "
        f"{summary.failed} failed",
        highlight=False,
    )
    console.print(
        f"look at them:  clipmill report --workspace {workspace}\n"
        f"why is a clip out:  clipmill why PATH-OR-ID --workspace {workspace}",
        highlight=False,
        soft_wrap=True,
    )
