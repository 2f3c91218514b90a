"""A real server of `clipmill browse` on loopback, for the length of a block."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
