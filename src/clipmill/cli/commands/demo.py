"""`clipmill demo`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from clipmill.cli.commands.inspect import funnel_table
from clipmill.cli.commands.report import write_report
from clipmill.cli.commands.run import execute
from clipmill.cli.options import JsonOption, ProfileOption, RunWorkersOption, open_last_run
from clipmill.cli.output.answers import summary_json, tell_json
from clipmill.cli.output.console import make_console
from clipmill.cli.output.tables import show_table
from clipmill.cli.profiles import default_pipeline
from clipmill.config import Pipeline, SelectStep, SourceConfig, load_profile
from clipmill.demo.clips import VIDEOS, DemoClip, build_demo, read_truths
from clipmill.demo.gather import gather_rows
from clipmill.demo.score import score_demo, score_table
from clipmill.demo.score_base import DemoScore
from clipmill.selection import QuantileRule

DATA = "data"
"""Folder of the demo's videos and truth, inside its workspace."""


def demo(
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="Folder for everything the demo makes.")
    ] = Path("demo-workspace"),
    profile: ProfileOption = None,
    workers: RunWorkersOption = None,
    gallery: Annotated[
        int, typer.Option("--gallery", min=0, help="Clips shown in the report.")
    ] = 24,
    as_json: JsonOption = False,
) -> None:
    """Make videos whose truth is known, run every stage on them, report, and compare.

    Needs `pip install "clipmill[demo]"` for the photographs. The first run fetches the weights
    of the profile `cpu` (113 MB); where they cannot be fetched, it takes `embedded`. Ends with how
    far each annotation is from the truth.
    """
    console = make_console(stderr=True)
    base = load_profile(profile) if profile else default_pipeline(console, str(workspace))
    data = workspace / DATA
    build_demo(data, on_clip=lambda clip: _say_clip(console, clip))
    source = SourceConfig(path=str((data / VIDEOS).absolute()))
    pipeline = demo_pipeline(base).model_copy(update={"sources": (source,)})
    summary = execute(pipeline, str(workspace), console, workers)
    context, listing = open_last_run(str(workspace))
    page = write_report(context, listing, workspace / "report", gallery, console)
    scores = score_demo(read_truths(data), gather_rows(context, listing))
    if as_json:
        tell_json("demo", summary_json(summary) | {"scores": [_plain(s) for s in scores]})
        return
    console = make_console()
    show_table(console, funnel_table(list(summary.reports)))
    show_table(console, score_table(scores))
    console.print(
        f"{summary.samples} samples, {summary.stage2_samples} of them ready for stage 2\n"
        f"the report:  {page}\n"
        f"why is a clip out:  clipmill why nothing_moves.mp4 --workspace {workspace}",
        highlight=False,
        soft_wrap=True,
    )


def demo_pipeline(profile: Pipeline) -> Pipeline:
    """Return a profile with percentiles of image quality for a dozen clips.

    The profile's guard would switch them off for so few; here the blurred clip and the one with
    subtitles are there to be dropped.
    """
    rules = (
        QuantileRule(column="quality.text_area", drop=((0.92, 1.0),), reason="too much text"),
        QuantileRule(column="quality.clarity", drop=((0.0, 0.1),), reason="blurred"),
    )
    steps = tuple(
        step.model_copy(update={"rules": rules, "min_population": 10})
        if isinstance(step, SelectStep) and step.select == "quality"
        else step
        for step in profile.steps
    )
    return profile.model_copy(update={"name": "demo", "steps": steps})


def _say_clip(console: Console, clip: DemoClip) -> None:
    console.print(f"made {clip.name}: {clip.what}", highlight=False, soft_wrap=True)


def _plain(score: DemoScore) -> dict[str, object]:
    return asdict(score) | {"passed": score.passed}
