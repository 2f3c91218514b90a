"""Small pipelines for tests, and reading what they left behind."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.annotations.unmeasured import UNMEASURED
from clipmill.config import Pipeline, SourceConfig
from clipmill.config.load import parse_pipeline
from clipmill.engine.inprocess import InProcessEngine
from clipmill.pipeline import RunSummary, run_pipeline, walk
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.store.workspace import Workspace

BASIC = """
name: basic
steps:
  - annotate: probe
  - select: basic
    rules:
      - {column: probe.aspect_ratio, min: 1.25, reason: aspect_ratio}
      - {column: probe.width, min: 400, reason: resolution}
      - {column: probe.height, min: 280, reason: resolution}
      - {column: probe.fps, min: 20, max: 31, reason: fps}
      - {column: probe.num_frames, above: 100, reason: too_few_frames}
  - split: windows
  - annotate: shots
  - split: shots
"""


def pipeline_on(folder: Path, text: str = BASIC) -> Pipeline:
    """Parse a pipeline and point it at a folder."""
    source = SourceConfig(path=str(folder))
    return parse_pipeline(text, name="test").model_copy(update={"sources": (source,)})


def run(pipeline: Pipeline, workspace: Path, **options) -> RunSummary:
    """Run in this process."""
    opened = Workspace.open(workspace, create=True)
    return run_pipeline(pipeline, opened, engine=InProcessEngine(), **options)


def look(pipeline: Pipeline, workspace: Path):
    """Walk without computing; returns reports by title."""
    opened = Workspace.open(workspace)
    listing = VideoList.load(opened)
    assert listing is not None
    return {report.title: report for report in walk(Context(opened, pipeline), listing)}


def states(reports: Iterable, listing: VideoList) -> dict[str, tuple[str, str]]:
    """Last verdict of every video: path -> (state, rule)."""
    paths = {v.video_id: v.relative_path for v in listing.videos}
    paths |= {p.video_id: p.relative_path for p in listing.problems}
    found = dict.fromkeys(paths.values(), ("kept", ""))
    for report in reports:
        for row in report.verdicts.to_pylist():
            if row["state"] in {"dropped", "failed", "postponed"}:
                found[paths[row["video_id"]]] = (row["state"], row["rule"])
    return found


def tables(workspace: Path) -> dict[str, pa.Table]:
    """Every table of a workspace that a run decides about, without measured times."""
    found = {}
    for path in sorted(workspace.rglob("*.parquet")):
        if path.parts[-2:] == ("decided", "previous.parquet"):
            continue  # of the run before, if there was any
        if path.is_relative_to(workspace / "dates"):
            continue
        table = pa.parquet.read_table(path)
        if "seconds" in table.column_names:
            table = table.drop_columns(["seconds"])
        name = str(path.relative_to(workspace))
        if name.startswith("annotations/"):
            name = str(Path(name).parent)  # one compacted part, whatever it is called
            assert name not in found, f"{name} is not compacted"
        found[name] = table
    return found


@dataclass(frozen=True)
class ScoreRow:
    clarity: float | None


class ScoreConfig(BackendConfig):
    """`mode`: number (from the id), constant, nan or missing."""

    mode: str = "number"


class Scores(Backend):
    """Scores without looking at the video; `annotate: quality` in tests of selections."""

    annotation = "quality"
    name = "scores"
    Config = ScoreConfig
    Row = ScoreRow

    def load(self, item: ClipInput) -> float | None:
        if self.config.mode == "constant":
            return 0.5
        if item.video.relative_path.startswith("bad"):
            return {"nan": float("nan"), "missing": None}.get(self.config.mode, 0.1)
        return float(np.random.default_rng(item.seed("score")).random())

    def annotate(self, batch):
        return [ScoreRow(value) for value in batch]


@dataclass(frozen=True)
class RareRow:
    clarity: float | None = field(metadata=UNMEASURED)


class RareScores(Scores):
    """The same, of something that not every clip has."""

    name = "rare"
    Row = RareRow

    def annotate(self, batch):
        return [RareRow(value) for value in batch]
