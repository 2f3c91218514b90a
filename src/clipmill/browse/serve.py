"""Runs the app on loopback until it is told to stop."""

import socket
from collections.abc import Callable
from typing import Final

import uvicorn

from clipmill.browse.app import make_app
from clipmill.browse.site import Site
from clipmill.errors import UsageError

DEFAULT_PORT: Final = 8008


def listen(port: int | None) -> socket.socket:
    """Return a socket that listens on loopback.

    Args:
        port: The port; 0 for any that is free. `DEFAULT_PORT` when None, or any other where that is
            taken, such as by a server over another workspace.

    Raises:
        UsageError: The port is taken.
    """
    if port is not None:
        return _bound(port)
    try:
        return _bound(DEFAULT_PORT)
    except UsageError:
        return _bound(0)


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"port {port} cannot be used: {error.strerror}; take another with --port"
        ) from error
    listener.listen()
    return listener


def serve(
    site: Site,
    listener: socket.socket,
    *,
    ready: Callable[[], None],
    stoppable: Callable[[Callable[[], None]], None] | None = None,
) -> None:
    """Answer requests until interrupted, or told to stop.

    Args:
        site: What is served.
        listener: Of `listen`; closed in the end.
        ready: Called when requests are answered.
        stoppable: Given a function that ends the server, from any thread.
    """

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

        def stop(self) -> None:
            self.should_exit = True

    config = uvicorn.Config(
        make_app(site),
        # Whose limits are known: 64 KiB of address and headers.
        http="h11",
        ws="none",
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        # A page that is still being made does not keep Ctrl-C from ending the server.
        timeout_graceful_shutdown=2,
    )
    server = Server(config)
    if stoppable is not None:
        stoppable(server.stop)
    with listener:
        try:
            server.run([listener])
        finally:
            site.pictures.close()
