"""One workspace of real clips, and a canonical export of it."""

from pathlib import Path

import pytest
from truthful_run import shared_workspace

from clipmill.export.containers.registry import find_container
from clipmill.export.content.profile import PROFILES
from clipmill.export.formats.base import FormatOptions
from clipmill.export.formats.canonical import Canonical
from clipmill.export.job.run import Plan, run_export
from clipmill.store.workspace import Workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return shared_workspace(tmp_path_factory)


@pytest.fixture(scope="session")
def exported(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A canonical export in frames and pixels of the source; nobody may write into it."""
    folder = tmp_path_factory.mktemp("exports") / "canonical"
    plan = Plan(
        Canonical(FormatOptions(crf=12)), find_container("folder"), profile=PROFILES["source"]
    )
    run_export(workspace, folder, plan)
    return folder
