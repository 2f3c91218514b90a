"""One real run with random scores, and copies of it to run again with other rules."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pipelines import pipeline_on, run
from random_backends import PIPELINE

from clipmill.config import Pipeline
from clipmill.config.overrides import with_settings
from clipmill.pipeline.recorded.last_run import require_last_run
from clipmill.whatif import World
from media import copy_clip, make_clip

VIDEOS = 36


@pytest.fixture(scope="session")
def videos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("random-videos")
    long = make_clip(folder / "v00.mp4", size=(64, 48), frames=30)
    short = make_clip(folder / "v01.mp4", size=(64, 48), frames=8)
    narrow = make_clip(folder / "v02.mp4", size=(48, 48), frames=30)
    for number in range(3, VIDEOS):
        kind = narrow if number % 10 == 0 else short if number % 11 == 0 else long
        copy_clip(kind, folder / f"v{number:02d}.mp4")
    return folder


@pytest.fixture(scope="session")
def pipeline(videos) -> Pipeline:
    return pipeline_on(videos, PIPELINE)


@pytest.fixture(scope="session")
def done(pipeline, tmp_path_factory) -> Path:
    """A workspace in which the pipeline was run; look only."""
    folder = tmp_path_factory.mktemp("done") / "ws"
    run(pipeline, folder)
    return folder


@pytest.fixture(scope="session")
def world(done) -> World:
    return World(*require_last_run(str(done)))


@pytest.fixture
def run_with(done, tmp_path) -> Callable[[Pipeline], Path]:
    """Return `run_with(pipeline)`: a copy of the workspace in which it was run."""

    def again(pipeline: Pipeline) -> Path:
        folder = tmp_path / f"ws{len(list(tmp_path.iterdir()))}"
        shutil.copytree(done, folder)
        run(pipeline, folder)
        return folder

    return again


@pytest.fixture(scope="session")
def changed(pipeline) -> Callable[..., Pipeline]:
    return lambda *settings: with_settings(pipeline, settings)
