"""`clipmill why`: what every step decided about one thing."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated

import pyarrow as pa
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clipmill.cli.commands.judging.review import judgement_json
from clipmill.cli.options import (
    DEFAULT_WORKSPACE,
    JsonOption,
    WorkspaceOption,
    look,
    tell_damages,
)
from clipmill.cli.output.answers import tell_json
from clipmill.cli.output.console import make_console, name
from clipmill.cli.output.tables import show_table
from clipmill.clips import Clip
from clipmill.errors import UsageError
from clipmill.inspection.lineage import Lineage
from clipmill.inspection.subjects import Subject, find_subjects, subjects_of_id
from clipmill.inspection.why import Verdict, describe_decision, outcome, samples_of, trace
from clipmill.pipeline.recorded.look import LastRun
from clipmill.pipeline.verdicts import StepReport
from clipmill.review.judgement import Judgement
from clipmill.review.state import judgements_of
from clipmill.review.store import ReviewStore

_MAX_CLIPS = 8
"""Clips named in a message."""

STYLES = {
    "dropped": "yellow",
    "noted": "yellow",
    "failed": "red",
    "postponed": "magenta",
    "pending": "cyan",
    "kept": "green",
    "split": "",
}


def why(
    target: Annotated[str, typer.Argument(help="Path, video id, clip id or object id.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: JsonOption = False,
) -> None:
    """Tell what every step decided about a video, clip or object, with value, cut and rank."""
    run = look(workspace)
    subjects = subjects_of_id(run.names_of, target) or find_subjects(run.names(), target)
    reports = run.reports
    tell_damages(run.workspace)
    stories = [_story(run, subject, reports) for subject in subjects]
    if as_json:
        tell_json("why", {"stories": [_plain(story) for story in stories]})
        return
    console = make_console()
    for story in stories:
        _print_story(console, story)


@dataclass(frozen=True)
class _Story:
    subject: Subject
    verdicts: list[Verdict]
    samples: list[str]
    said: list[Judgement]

    @property
    def outcome(self) -> str:
        return outcome(self.verdicts, self.samples)


def _story(run: LastRun, subject: Subject, reports: Sequence[StepReport]) -> _Story:
    _check_clip(run, subject, reports)
    verdicts = list(trace(subject, reports, lacks_row=partial(_lacks_row, run, subject.video_id)))
    sample_ids = run.sample_ids(subject.video_id)
    said = judgements_of(ReviewStore.open(run.workspace).state(), subject.video_id, subject.clip)
    return _Story(subject, verdicts, samples_of(subject, reports, sample_ids), said)


def _check_clip(run: LastRun, subject: Subject, reports: Sequence[StepReport]) -> None:
    """Refuse the id of a clip that the run does not have, e.g. of another split."""
    if subject.clip is None:
        return
    known = Lineage.of(subject.video_id, reports).known or _whole_clip(run, subject.video_id)
    if known and subject.clip.clip_id not in known:
        near = sorted(known)[:_MAX_CLIPS]
        more = f" and {len(known) - len(near)} more" if len(known) > len(near) else ""
        raise UsageError(
            f"'{subject.clip.clip_id}' is no clip of this run; {subject.path} has: "
            f"{', '.join(near)}{more}"
        )


def _whole_clip(run: LastRun, video_id: str) -> set[str]:
    """Return the clip of all frames of a video, where they have been counted."""
    if "probe" not in run.context.stages:
        return set()
    file_id = run.listing.file_of(video_id)
    row = run.context.stages["probe"].table.read([file_id]).get(file_id)
    return {Clip(video_id, 0, row.num_frames).clip_id} if row is not None else set()


def _lacks_row(run: LastRun, video_id: str, report: StepReport, keys: Sequence[str]) -> set[str]:
    """Return those of the keys, of one video, that have no row in the annotation of a step."""
    stage = run.context.stages[report.title]
    if stage.backend.kept_of:
        return set(keys)  # a row may be there and lack an object that is kept now
    if stage.backend.level == "clip":
        asked = {key: {key} if "-" in key else _whole_clip(run, key) for key in keys}
    else:
        asked = {key: {run.listing.file_of(video_id) or key} for key in keys}
    rows = pa.array(sorted(set().union(*asked.values())), pa.string())
    lacking = set(stage.table.pending(rows).to_pylist())
    return {key for key, own in asked.items() if own & lacking or not own}


def _plain(story: _Story) -> dict[str, object]:
    return {
        "video_id": story.subject.video_id,
        "path": story.subject.path,
        "outcome": story.outcome,
        "samples": story.samples,
        "verdicts": [asdict(verdict) for verdict in story.verdicts],
        "judgements": [judgement_json(row) for row in story.said],
    }


def _print_story(console: Console, story: _Story) -> None:
    video_id = story.subject.video_id
    console.print(f"[bold]{name(story.subject.path)}[/]  {video_id}", highlight=False)
    table = Table()
    for column in ("step", "what", "verdict", "why"):
        table.add_column(column, overflow="fold")
    for verdict in story.verdicts:
        style = STYLES.get(verdict.state, "")
        shown = verdict.key.removeprefix(video_id).lstrip("-") or "video"
        state = f"[{style}]{verdict.state}[/]" if style else verdict.state
        table.add_row(name(verdict.step), shown, state, escape(describe_decision(verdict)))
    show_table(console, table)
    for row in story.said:
        of = (row.object_id or row.clip.clip_id).removeprefix(video_id).lstrip("-")
        text = f": {row.value}" if row.value else ""
        console.print(escape(f"{row.told}: {row.kind} of {of}{text}"), highlight=False)
    console.print(escape(story.outcome) + "\n", highlight=False)
