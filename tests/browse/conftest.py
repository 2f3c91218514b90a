"""A real server on loopback over one small real workspace, for all tests of the app."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from truthful_run import shared_workspace

from clipmill.browse import serve
from clipmill.browse.site import Site


@contextmanager
def served(workspace: str, **settings: object) -> Iterator[Site]:
    """Serve a workspace while the block runs."""
    listener = serve.listen(0)
    site = Site(workspace, listener.getsockname()[1], **settings)
    ready = threading.Event()
    stop: list[Callable[[], None]] = []

    def run() -> None:
        serve.serve(site, listener, ready=ready.set, stoppable=stop.append)

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(60)
    try:
        yield site
    finally:
        stop[0]()
        thread.join(60)


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A finished run; look only."""
    return shared_workspace(tmp_path_factory).root


@pytest.fixture(scope="session")
def site(workspace: str) -> Iterator[Site]:
    with served(workspace) as site:
        yield site


@pytest.fixture
def serving() -> Callable[..., AbstractContextManager[Site]]:
    """`served`, for tests over a workspace of their own."""
    return served
