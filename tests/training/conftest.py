"""One workspace of real clips, and a canonical export of it."""

from pathlib import Path

import pytest
from truthful_run import shared_workspace

from clipmill.export.containers.registry import find_container
from clipmill.export.content.profile import PROFILES
from clipmill.export.formats.base import FormatOptions
from clipmill.export.formats.canonical import Canonical
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.store.workspace import Workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return shared_workspace(tmp_path_factory)


def _export(workspace: Workspace, folder: Path, container: str) -> Path:
    format_ = Canonical(FormatOptions(crf=12))
    profile = PROFILES["source"]
    # Small shards, so that there are several.
    plan = ExportPlan(format_, find_container(container), profile=profile, shard_bytes=300_000)
    run_export(workspace, folder, plan)
    return folder


@pytest.fixture(scope="session")
def exported(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A canonical export in frames and pixels of the source; nobody may write into it."""
    return _export(workspace, tmp_path_factory.mktemp("exports") / "canonical", "folder")


@pytest.fixture(scope="session")
def archived(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in tar shards."""
    return _export(workspace, tmp_path_factory.mktemp("exports") / "shards", "webdataset")


@pytest.fixture(scope="session")
def published(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a Hugging Face data set."""
    return _export(workspace, tmp_path_factory.mktemp("exports") / "hub", "huggingface")
