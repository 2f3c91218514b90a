"""A server that speaks as much of OpenAI's protocol as examinations ask, and who asks it."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pipelines import Scores

from clipmill.annotations.server import Server

VARIABLE = "CLIPMILL_TEST_SERVER"
"""Environment variable with the address that `ServedScores` asks."""


class ServedScores(Scores):
    """Scores that are said to come from a server."""

    name = "served"

    @classmethod
    def asked_server(cls, config) -> Server:
        return Server(os.environ[VARIABLE], "tiny", start="serve tiny")


class ModelServer(ThreadingHTTPServer):
    """Speaks as much of OpenAI's protocol as is asked here.

    Attributes:
        models: Names in its list; None for a server without one.
        hidden: Names that it answers to besides.
        key: Who does not say it is not let in; empty for everybody.
        asked: Paths, in order.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.models: list[str] | None = []
        self.hidden: list[str] = []
        self.key = ""
        self.broken = False
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refused(self) -> bool:
        self.server.asked.append(self.path)
        if self.server.broken:
            self._answer(503, {})
        elif self.server.key and self.headers["Authorization"] != f"Bearer {self.server.key}":
            self._answer(401, {})
        else:
            return False
        return True

    def do_GET(self) -> None:
        if self._refused():
            return
        if self.path != "/v1/models" or self.server.models is None:
            self._answer(404, {"error": "no such page"})
        else:
            self._answer(200, {"data": [{"id": name} for name in self.server.models]})

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._refused():
            return
        known = [*(self.server.models or []), *self.server.hidden]
        if question["model"] in known:
            self._answer(200, {"choices": [{"message": {"content": "Hi"}}]})
        else:
            self._answer(404, {"error": "no such model"})


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """Serve while the block runs."""
    server = ModelServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
