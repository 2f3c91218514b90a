"""One small real workspace for all tests of the exports."""

import pytest
from truthful_run import build_workspace

from clipmill.store.workspace import Workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return build_workspace(tmp_path_factory.mktemp("export"))
