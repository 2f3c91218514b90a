"""A new annotation is one folder and one line of registration: nothing else knows its name."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from pipelines import look, pipeline_on, run

from clipmill.annotations.base import Backend
from clipmill.annotations.registry import BACKENDS
from clipmill.config.load import parse_pipeline
from clipmill.errors import UsageError
from clipmill.pipeline.check import check_pipeline
from clipmill.pipeline.steps.registry import make_step
from media import make_clip

TEXT = """
name: loud
steps:
  - annotate: probe
  - annotate: loudness
  - select: loud
    rules:
      - {column: loudness.peak, min: 0.5, reason: too quiet}
  - select: voices
    level: object
    rules:
      - {column: loudness.share, min: 0.5, reason: hardly heard}
"""


@dataclass(frozen=True)
class Voice:
    object_id: str
    share: float


@dataclass(frozen=True)
class Channel:
    name: str
    voices: tuple[Voice, ...]


@dataclass(frozen=True)
class LoudnessRow:
    peak: float
    kind: str
    channels: tuple[Channel, ...]


class Loudness(Backend):
    """Files whose name begins with `loud` are; each clip has a loud voice and a faint one."""

    annotation = "loudness"
    name = "embedded"
    Row = LoudnessRow

    def load(self, item):
        assert item.probe is not None
        return item.clip.clip_id, item.video.relative_path.startswith("loud")

    def annotate(self, batch):
        return [
            LoudnessRow(
                peak=0.9 if loud else 0.1,
                kind="speech",
                channels=(
                    Channel(
                        "left", (Voice(f"{clip}-a00000-o00", 0.8), Voice(f"{clip}-a00000-o01", 0.1))
                    ),
                ),
            )
            for clip, loud in batch
        ]


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(BACKENDS, ("loudness", "embedded"), f"{__name__}:Loudness")


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for name, frames in (("loud", 10), ("quiet", 12)):
        make_clip(folder / f"{name}.mp4", frames=frames)
    return folder


def test_it_runs_through_the_walk_and_its_columns_are_selected_by(videos, tmp_path):
    pipeline = pipeline_on(videos, TEXT)
    summary = run(pipeline, tmp_path / "ws")
    assert summary.computed == {"probe": 2, "loudness": 2}
    reports = look(pipeline, tmp_path / "ws")
    assert list(reports) == ["source", "probe", "loudness", "loud selection", "voices selection"]
    (dropped,) = [
        row for row in reports["loud selection"].verdicts.to_pylist() if row["state"] == "dropped"
    ]
    assert (dropped["column"], dropped["value"]) == ("loudness.peak", 0.1)
    voices = reports["voices selection"].verdicts.to_pylist()
    assert [(row["key"][-3:], row["state"]) for row in voices] == [
        ("o00", "kept"),
        ("o01", "dropped"),
    ]


def test_a_run_may_end_with_it(videos, tmp_path):
    summary = run(pipeline_on(videos, TEXT), tmp_path / "ws", until="loudness")
    assert summary.reports[-1].title == "loudness"


def test_a_column_that_it_lacks_is_told_with_those_it_has(videos):
    wrong = pipeline_on(videos, TEXT.replace("loudness.peak", "loudness.volume"))
    with pytest.raises(UsageError, match="no column 'volume'; there are: peak, share"):
        check_pipeline(wrong)


def test_every_kind_of_step_has_a_class():
    steps = """
name: all
steps:
  - annotate: probe
  - annotate: shots
  - split: windows
  - split: shots
  - select: basic
    rules: [{column: probe.width, min: 1}]
  - samples: training
"""
    made = [make_step(step) for step in parse_pipeline(steps, name="test").steps]
    names = ["ProbeStep", "Annotate", "SplitWindows", "SplitShots", "Select", "Samples"]
    assert [type(step).__name__ for step in made] == names
    assert made[2].names == {"window split", "windows"}
    assert made[4].names == {"basic selection", "basic"}
    assert list(made[1].columns()) == ["shots"]
    assert made[5].reads == ("probe", "objects", "tracks")
