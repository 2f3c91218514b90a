"""One small real workspace for all tests of looking at results."""

import pytest
from truthful_run import shared_workspace

import clipmill
from clipmill.results import Results


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return clipmill.open(shared_workspace(tmp_path_factory).root)
