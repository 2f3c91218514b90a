"""Servers that backends ask: whether they answer, with the model that is asked for."""

from collections.abc import Iterator

from clipmill.annotations.server import Server
from clipmill.preflight.examined import Examined
from clipmill.preflight.finding import Finding


def check_servers(examined: Examined) -> Iterator[Finding]:
    """Yield the servers of the steps that the run gets to."""
    for wanted in examined.wanted:
        server = wanted.backend.asked_server(wanted.config) if wanted.reached else None
        if server is not None:
            yield _look(server, wanted.title, wanted.step.title)


def _look(server: Server, title: str, step: str) -> Finding:
    # Its libraries take a third of a second to load, and few pipelines have a server.
    from clipmill.net.served import NotServedError, look_for_model

    try:
        text = look_for_model(server.url, server.model, key=server.key)
    except NotServedError as error:
        todo = error.remedy.format(start=server.start, key=server.key_variable)
        return Finding("server", title, "missing", f"{server.url} {error}", todo, step=step)
    return Finding("server", title, "ok", f"{server.url} {text}")
