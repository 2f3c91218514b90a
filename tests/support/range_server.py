"""A loopback HTTP server over a folder, with byte ranges and the faults that servers have."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class RangeServer:
    """What is served, and what was asked.

    Attributes:
        folder: Its files are served.
        url: Address without a slash at its end.
        refused: Status by path, e.g. `{"/a.mp4": 403}`.
        ranges: Whether byte ranges are given.
        cut: Bodies end after so many bytes, the connection closes; whole when None.
        asked: `GET /a.mp4 bytes=0-99`, in the order of arrival.
    """

    folder: Path
    url: str = ""
    refused: dict[str, int] = field(default_factory=dict)
    ranges: bool = True
    cut: int | None = None
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(folder: Path) -> Iterator[RangeServer]:
    """Serve a folder while the block runs."""
    state = RangeServer(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            span = self.headers.get("Range", "")
            state.asked.append(f"{self.command} {path} {span}".strip())
            file = folder / path.lstrip("/")
            status = state.refused.get(path) or (200 if file.is_file() else 404)
            if status != 200:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data = file.read_bytes()
            size, start, end = len(data), 0, len(data) - 1
            if span and state.ranges:
                first, _, last = span.removeprefix("bytes=").partition("-")
                start, end = int(first), min(int(last or end), end)
            self.send_response(206 if span and state.ranges else 200)
            self.send_header("Accept-Ranges", "bytes" if state.ranges else "none")
            if span and state.ranges:
                self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
            self.send_header("Content-Length", str(end + 1 - start))
            self.end_headers()
            if not with_body:
                return
            body = data[start : end + 1]
            if state.cut is not None and len(body) > state.cut:
                self.close_connection = True
                body = body[: state.cut]
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
