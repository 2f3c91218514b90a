"""`clipmill diff`: what is gained and lost, for people and for scripts."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pipelines import BASIC, pipeline_on, run

from clipmill.config import dump_pipeline
from clipmill.config.overrides import with_settings
from media import copy_clip, make_clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Three videos, two of them long enough; a run, another with a longer limit, both files."""
    folder = tmp_path_factory.mktemp("diff")
    (folder / "videos").mkdir()
    for number, frames in enumerate((110, 120, 130)):
        make_clip(folder / "videos" / f"v{number}.mp4", size=(480, 320), frames=frames)
    copy_clip(folder / "videos" / "v2.mp4", folder / "videos" / "v3.mp4")
    before = pipeline_on(folder / "videos", BASIC)
    after = with_settings(before, ["basic.rules.num_frames.above=115"])
    run(before, folder / "ws")
    shutil.copytree(folder / "ws", folder / "other")
    run(after, folder / "other")
    (folder / "before.yaml").write_text(dump_pipeline(before))
    (folder / "after.yaml").write_text(dump_pipeline(after))
    return folder


@pytest.fixture(autouse=True)
def _in_the_folder(folder, monkeypatch) -> None:
    monkeypatch.chdir(folder)


@pytest.mark.parametrize(
    "words",
    [
        ("before.yaml", "after.yaml", "-w", "ws"),
        ("after.yaml", "-w", "ws"),
        ("ws", "other"),
        ("before.yaml", "after.yaml", "-w", "other"),
    ],
    ids=" ".join,
)
def test_files_and_runs_differ_in_the_same_clips(clipmill, words):
    code, out, err = clipmill("diff", *words, "--json", "--clips")
    assert code == 0, err
    answer = json.loads(out)
    assert (answer["command"], answer["version"], answer["exact"]) == ("diff", 1, True)
    assert (answer["kept"], answer["gained"], answer["lost"]) == (3, 0, 1)
    (reason,) = answer["reasons"]
    assert reason == {
        "level": "clip",
        "change": "lost",
        "step": "basic selection",
        "reason": "too_few_frames",
        "count": 1,
    }
    (clip,) = answer["clips"]
    assert (clip["column"], clip["value"], clip["threshold"]) == ("probe.num_frames", 110, 115)


def test_back_again_the_clip_is_gained(clipmill):
    _, out, _ = clipmill("diff", "other", "ws", "--json")
    answer = json.loads(out)
    assert (answer["kept"], answer["gained"], answer["lost"]) == (3, 1, 0)
    assert "clips" not in answer


def test_in_a_pipe_it_is_plain_lines(folder):
    command = [sys.executable, "-m", "clipmill", "diff", "after.yaml", "-w", "ws"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["lost", "1"] in lines
    assert ["lost", "clip", "basic", "selection", "too_few_frames", "1"] in lines


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("ws",), "give two pipeline files"),
        (("ws", "after.yaml"), "give two pipeline files"),
        (("missing.yaml", "-w", "ws"), "cannot read the pipeline file missing.yaml"),
        (("after.yaml", "-w", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_compared_is_wrong_usage(clipmill, words, problem):
    code, _, err = clipmill("diff", *words)
    assert code == 2
    assert problem in " ".join(err.split())
