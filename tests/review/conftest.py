"""A small finished run that every test gets a copy of, to judge and to run again."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from truthful_run import _CUP, _FLOWER, PIPELINE, _scene

from clipmill.config.load import parse_pipeline
from clipmill.config.models import SourceConfig
from clipmill.demo.scene import render, truth, write_video
from clipmill.demo.truth import save_truth
from clipmill.engine.inprocess import InProcessEngine
from clipmill.pipeline.run import RunSummary, run_pipeline
from clipmill.store.workspace import Workspace

Rerun = Callable[..., RunSummary]
BEFORE = "  - annotate: inout\n"
TEXT = PIPELINE.replace("drop: [[0.0, 0.2]]", "min: 0")

SCENES = {
    "both.mp4": _scene(_CUP, _FLOWER, frames=104),
    "flower.mp4": _scene(_FLOWER, frames=102, background="grass"),
    "short.mp4": _scene(_CUP, frames=90),
}


def _run(text: str, videos: Path, workspace: Workspace) -> RunSummary:
    pipeline = parse_pipeline(text, name="reviewed")
    source = SourceConfig(path=str(videos))
    pipeline = pipeline.model_copy(update={"sources": (source,)})
    return run_pipeline(pipeline, workspace, engine=InProcessEngine())


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the videos and the workspace; look only."""
    folder = tmp_path_factory.mktemp("reviewed")
    (folder / "videos").mkdir()
    for name, scene in SCENES.items():
        path = folder / "videos" / name
        write_video(path, render(scene), scene.fps, crf=23)
        save_truth(path.with_name(path.name + ".truth.json"), truth(scene))
    _run(TEXT, folder / "videos", Workspace.open(folder / "workspace", create=True))
    return folder


@pytest.fixture
def judged(finished: Path, tmp_path: Path) -> Workspace:
    """A copy of the workspace; its videos are where they were."""
    shutil.copytree(finished / "workspace", tmp_path / "workspace")
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture
def rerun(finished: Path, judged: Workspace) -> Rerun:
    """Run again, with `select: review` and changes of the pipeline's text."""

    def run(*changes: tuple[str, str], options: str = "", videos: Path | None = None) -> RunSummary:
        step = "  - select: review\n" + "".join(f"    {line}\n" for line in options.splitlines())
        text = TEXT.replace(BEFORE, step + BEFORE)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        return _run(text, videos or finished / "videos", judged)

    return run
