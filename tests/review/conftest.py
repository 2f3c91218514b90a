"""A finished run that every test gets a copy of, to judge and to run again."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from truthful_run import PIPELINE, shared_workspace

from clipmill.config.load import parse_pipeline
from clipmill.config.models import SourceConfig
from clipmill.engine.inprocess import InProcessEngine
from clipmill.pipeline.run import RunSummary, run_pipeline
from clipmill.store.workspace import Workspace

Rerun = Callable[..., RunSummary]
REVIEW = "  - select: review\n"
BEFORE = "  - annotate: inout\n"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the videos and the workspace; look only."""
    return Path(shared_workspace(tmp_path_factory).root).parent


@pytest.fixture
def judged(finished: Path, tmp_path: Path) -> Workspace:
    """A copy of the workspace; its videos are where they were."""
    shutil.copytree(finished / "workspace", tmp_path / "workspace")
    return Workspace.open(tmp_path / "workspace")


@pytest.fixture
def rerun(finished: Path, judged: Workspace) -> Rerun:
    """Run again, with `select: review` and changes of the pipeline's text."""

    def run(*changes: tuple[str, str], options: str = "", videos: Path | None = None) -> RunSummary:
        step = REVIEW.rstrip("\n") + "".join(f"\n    {line}" for line in options.splitlines())
        text = PIPELINE.replace(BEFORE, f"{step}\n{BEFORE}")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        pipeline = parse_pipeline(text, name="reviewed")
        source = SourceConfig(path=str(videos or finished / "videos"))
        pipeline = pipeline.model_copy(update={"sources": (source,)})
        return run_pipeline(pipeline, judged, engine=InProcessEngine())

    return run
