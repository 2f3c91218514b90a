"""One small real workspace for all tests of the exports."""

import pytest
from truthful_run import shared_workspace

from clipmill.store.workspace import Workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return shared_workspace(tmp_path_factory)
