"""A small npm registry on the loopback, for the real npm."""

import base64
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

NAME, VERSION = "@someone/toy", "1.2.3"
CHUNK = 100_000


@dataclass
class Registry:
    """The content and faults of a registry that holds one package.

    Attributes:
        package: The package as it was published; its checksum is told to npm.
        sent: What is sent instead, if anything.
        hold: When set, the archive is sent only after somebody sets this event.
        held: Set when an archive is asked for and held back.
        asked: How often the archive was asked for.
    """

    package: bytes = b""
    sent: bytes | None = None
    hold: threading.Event | None = None
    held: threading.Event = field(default_factory=threading.Event)
    asked: int = 0


def pack(files: dict[str, bytes]) -> bytes:
    """Return an npm package with these files."""
    files = {"package.json": json.dumps({"name": NAME, "version": VERSION}).encode()} | files
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def chunked(content: bytes, resource: str = "/models/toy") -> dict[str, bytes]:
    """Return the files of a package that holds a resource in chunks, last chunk first."""
    chunks, files = [], {}
    for start in range(0, len(content), CHUNK):
        data = content[start : start + CHUNK]
        name = hashlib.sha256(data).hexdigest()
        files[f"dist/{name}"] = data
        chunks.append({"hash": name, "offsets": [start, start + len(data)]})
    index = {resource: {"chunks": chunks, "size": len(content), "mime": "application/any"}}
    backwards = dict(reversed(files.items()))
    return backwards | {"dist/resources.json": json.dumps(index).encode()}


def _handler(registry: Registry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            if unquote(self.path) == f"/{NAME}":
                self._send(json.dumps(self._facts()).encode())
            elif self.path == "/toy.tgz":
                registry.asked += 1
                if registry.hold:
                    registry.held.set()
                    registry.hold.wait(60)
                self._send(registry.package if registry.sent is None else registry.sent)
            else:
                self.send_error(404)

        def _facts(self) -> dict[str, object]:
            digest = base64.b64encode(hashlib.sha512(registry.package).digest()).decode()
            address = f"http://127.0.0.1:{self.server.server_address[1]}/toy.tgz"
            dist = {"tarball": address, "integrity": f"sha512-{digest}"}
            version = {"name": NAME, "version": VERSION, "dist": dist}
            return {"name": NAME, "dist-tags": {"latest": VERSION}, "versions": {VERSION: version}}

        def _send(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Run a registry that npm's configuration names, as a user's would."""
    registry = Registry()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(registry))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_address[1]}/")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    try:
        yield registry
    finally:
        if registry.hold:
            registry.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()
