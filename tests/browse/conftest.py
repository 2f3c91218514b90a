"""A real server on loopback over one small real workspace, for all tests of the app."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from served_site import served
from tiny_run import make_tiny_run
from truthful_run import shared_workspace

from clipmill.browse.site import Site
from clipmill.store.workspace import Workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A finished run; look only."""
    return shared_workspace(tmp_path_factory).root


@pytest.fixture(scope="session")
def site(workspace: str) -> Iterator[Site]:
    with served(workspace) as site:
        yield site


@pytest.fixture(scope="session")
def serving() -> Callable[..., AbstractContextManager[Site]]:
    """Serve another workspace: `with serving(uri, judge="Ann") as site`."""
    return served


@pytest.fixture
def tiny(tmp_path: Path) -> Workspace:
    """A small run of its own, which a test may spoil."""
    return make_tiny_run(tmp_path)
