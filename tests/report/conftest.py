"""One small real workspace and its report for all tests of the report."""

from pathlib import Path

import pytest
from truthful_run import shared_workspace

from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.recorded.last_run import last_run
from clipmill.report.build import build_report


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Context, VideoList]:
    workspace = shared_workspace(tmp_path_factory)
    found = last_run(workspace)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def report(run: tuple[Context, VideoList], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a finished run."""
    return build_report(*run, out=tmp_path_factory.mktemp("page") / "my report #1")
