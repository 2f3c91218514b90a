"""Runs on a cluster whose stage sleeps, disturbed at chosen moments."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from clipmill.annotations.base import ClipInput
from clipmill.clips import Clip, Video, video_id_for
from clipmill.config import SourceConfig
from clipmill.config.load import parse_pipeline
from clipmill.engine.base import Engine
from clipmill.engine.ray.engine import RayEngine
from clipmill.engine.spec import StageSpec
from clipmill.pipeline import RunSummary, run_pipeline
from clipmill.pipeline.run import Observer
from clipmill.store.annotations import Outcome
from clipmill.store.workspace import Workspace
from media import ffmpeg

CLIP_SECONDS = 0.2


def make_clips(folder: Path, count: int, *, extra: Sequence[str] = ()) -> Path:
    """Write so many small videos that all differ, and some with names of their own."""
    folder.mkdir()
    outputs: list[str | Path] = []
    for number, name in enumerate([*(f"v{at:03d}.mp4" for at in range(count)), *extra]):
        # Another grey, or another length.
        grey = f"{5 * (number % 50):02x}" * 3
        outputs += ["-frames:v", str(6 + number // 50), "-c:v", "mpeg4", "-threads", "1"]
        outputs += ["-vf", f"drawbox=w=16:h=16:t=fill:c=0x{grey}", folder / name]
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=4", *outputs)
    return folder


def stage(backend: str, **changes: Any) -> StageSpec:
    """Return a stage of `quality` with a backend of the tests."""
    settings: dict[str, Any] = {"config": {}, "time_limit": 30.0, "unit_size": 4, "batch_size": 1}
    return StageSpec(annotation="quality", backend=backend, **(settings | changes))


def named(*names: str) -> Iterator[tuple[str, ClipInput]]:
    """Yield clips of no file, by the names of their videos."""
    for number, name in enumerate(names):
        video = Video(video_id_for(name), "", name, f"/nowhere/{name}", 1)
        yield name, ClipInput(video, Clip(video.video_id, number, number + 1))


def outcomes_of(engine: Engine, spec: StageSpec, *names: str) -> dict[str, Outcome]:
    """Run a stage over clips of no file."""
    return {outcome.key: outcome for lot in engine.run(spec, named(*names)) for outcome in lot}


def sleepy_spec(**settings: Any) -> StageSpec:
    """Return the stage that sleeps."""
    config = {"model": CLIP_SECONDS} | settings
    return stage("cluster_backends:Sleepy", config=config)


def sleepy_items(folder: Path, count: int) -> Iterator[tuple[str, ClipInput]]:
    """Yield clips of no file."""
    for number in range(count):
        name = f"v{number:05d}"
        video = Video(video_id_for(name), "", name, str(folder / name), 1)
        yield name, ClipInput(video, Clip(video.video_id, 0, number + 1))


def sleepy_pipeline(log: Path, *, model: float = CLIP_SECONDS) -> str:
    """Return a pipeline file with the stage that sleeps."""
    return f"""
name: sleepy
steps:
  - annotate: probe
  - annotate: quality
    backend: cluster_backends:Sleepy
    config: {{model: {model}, log: {log}}}
"""


class Disturber(Observer):
    """Does something each time so many clips of the sleeping stage are committed.

    Attributes:
        hits: Disturbances that came to something.
        commits: When rows were committed.

    Args:
        moments: What to do, by number of clips; told that number. False: it came to nothing, and is
            tried again at the next commit.
    """

    def __init__(self, moments: Mapping[int, Callable[[int], Any]]) -> None:
        self._moments = dict(moments)
        self._done = 0
        self._watching = False
        self.hits = 0
        self.commits: list[float] = []

    def stage_begins(self, title: str, *, total: int, pending: int) -> None:
        """See `Observer`."""
        self._watching = title.startswith("quality")

    def committed(self, outcomes: Sequence[Outcome]) -> None:
        """See `Observer`."""
        if not self._watching:
            return
        self._done += len(outcomes)
        self.commits.append(time.time())
        for moment in sorted(at for at in self._moments if at <= self._done):
            disturb = self._moments.pop(moment)
            if disturb(self._done) is False:
                self._moments[self._done + 1] = disturb
            else:
                self.hits += 1


def run_sleepy(
    videos: Path,
    workspace: Path,
    engine: Engine,
    *,
    log: Path,
    observer: Observer | None = None,
    model: float = CLIP_SECONDS,
) -> RunSummary:
    """Run the stage that sleeps over a folder of videos."""
    pipeline = parse_pipeline(sleepy_pipeline(log, model=model), name="sleepy").model_copy(
        update={"sources": (SourceConfig(path=str(videos)),)}
    )
    opened = Workspace.open(workspace, create=True)
    return run_pipeline(pipeline, opened, engine=engine, observer=observer)


def rows_of(workspace: Path, *, failed: bool = False) -> set[str]:
    """Return the names of the videos with a row of the sleeping stage; only those that failed."""
    if not (workspace / "videos.parquet").exists():
        return set()
    videos = pq.read_table(workspace / "videos.parquet").to_pylist()
    names = {row["video_id"]: Path(row["relative_path"]).name for row in videos}
    found = set()
    for path in workspace.glob("annotations/quality/*/part-*.parquet"):
        try:
            rows = pq.read_table(path).to_pylist()
        except FileNotFoundError:  # merged while we looked
            continue
        found |= {
            names[row["clip_id"].partition("-")[0]]
            for row in rows
            if not failed or row["status"] == "failed"
        }
    return found


def resident(engine: RayEngine, node: Any) -> int:
    """Return the clips that the workers of a node have in hand."""
    return sum(len(one.remaining) for one in engine._crew.slots if one.node == node.node_id)
