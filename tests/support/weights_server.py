"""A small hub on the loopback: ranges, checksums in headers, redirects, and faults on demand."""

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import close_session

COMMIT = "c0ffee" + "0" * 34


def random_bytes(size: int, seed: int = 0) -> bytes:
    """Return the same incompressible bytes for the same seed."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git_id(data: bytes) -> str:
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


@dataclass
class Seen:
    """One request."""

    method: str
    path: str
    range: str
    authorization: str
    host: str
    sent: int = 0


@dataclass
class Hub:
    """The server's content and faults.

    Attributes:
        files: repository -> file name -> content.
        plain: path -> content, served as plain URLs.
        small: Files below this size are announced by their git id and not redirected.
        announce: file name -> content that the headers speak of, if not the real one.
        sizes: file name -> size that the headers claim.
        cut_after: Close the connection after so many bytes of a body.
        cuts_left: How often.
        after_cut: What a cut adds to `answers`.
        ranges: Whether `Range` is obeyed.
        answers: Status codes (with headers) to give before anything else, in order.
        page: Serve a web page instead of content.
        renamed: Old repository name -> new one.
        hold: Bodies stop after `hold_after` bytes until this is set.
    """

    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    plain: dict[str, bytes] = field(default_factory=dict)
    small: int = 1000
    commit: str = COMMIT
    announce: dict[str, bytes] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    cut_after: int | None = None
    cuts_left: int = 10**6
    after_cut: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    ranges: bool = True
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    page: bool = False
    renamed: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None
    hold_after: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    seen: list[Seen] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bodies(self) -> list[Seen]:
        """The requests that asked for content of a file."""
        return [s for s in self.seen if s.method == "GET" and "/api/" not in s.path and s.sent]

    def sent(self) -> int:
        return sum(s.sent for s in self.bodies())


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            path = unquote(urlsplit(self.path).path)
            headers = self.headers
            self.note = Seen(
                self.command,
                path,
                headers.get("Range", ""),
                headers.get("Authorization", ""),
                headers.get("Host", ""),
            )
            hub.seen.append(self.note)
            if hub.answers:
                status, extra = hub.answers.pop(0)
                self._head(status, {"Content-Length": "0", **extra})
            elif path.startswith("/api/models/"):
                self._list(path)
            elif path.startswith("/storage/"):
                _, _, owner, name, file = path.split("/", 4)
                self._content(hub.files[f"{owner}/{name}"][file], {})
            elif "/resolve/" in path:
                self._resolve(path)
            elif path in hub.plain:
                self._content(hub.plain[path], {"ETag": '"plain"'})
            else:
                self._head(404, {"Content-Length": "0"})

        def _list(self, path: str) -> None:
            repo = "/".join(path.split("/")[3:5])
            names = [{"rfilename": name} for name in hub.files.get(repo, {})]
            status = 200 if repo in hub.files else 404
            body = json.dumps({"id": repo, "sha": hub.commit, "siblings": names}).encode()
            self._head(status, {"Content-Length": str(len(body))})
            self.wfile.write(body)

        def _resolve(self, path: str) -> None:
            repo, _, rest = path[1:].partition("/resolve/")
            revision, _, file = rest.partition("/")
            if repo in hub.renamed:
                target = f"/{hub.renamed[repo]}/resolve/{rest}"
                self._head(307, {"Location": target, "Content-Length": "3"})
                self.wfile.write(b"" if self.command == "HEAD" else b"new")
                return
            content = hub.files.get(repo, {}).get(file)
            if content is None or revision not in {"main", hub.commit}:
                self._head(404, {"Content-Length": "0"})
                return
            told = hub.announce.get(file, content)
            common = {"X-Repo-Commit": hub.commit}
            if len(content) < hub.small:
                self._content(content, common | {"ETag": f'"{git_id(told)}"'})
                return
            size = hub.sizes.get(file, len(told))
            # Another host name, as with the storage servers of the real hub.
            self._head(
                302,
                common
                | {
                    "X-Linked-Etag": f'"{sha256(told)}"',
                    "X-Linked-Size": str(size),
                    "Location": f"http://localhost:{hub.port}/storage/{repo}/{file}",
                    "Content-Length": "0",
                },
            )

        def _content(self, data: bytes, headers: dict[str, str]) -> None:
            if hub.page:
                headers = headers | {"Content-Type": "text/html; charset=utf-8"}
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            start = int(asked[1]) if asked and hub.ranges else 0
            if start and start >= len(data):
                self._head(416, {"Content-Length": "0"})
                return
            rest = data[start:]
            more = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
            self._head(206 if start else 200, headers | more | {"Content-Length": str(len(rest))})
            if self.command == "HEAD":
                return
            limit = len(rest)
            if hub.cut_after is not None and hub.cuts_left > 0 and limit > hub.cut_after:
                hub.cuts_left -= 1
                hub.answers += hub.after_cut
                limit = hub.cut_after
            stop = min(limit, hub.hold_after) if hub.hold else limit
            self._send(rest[:stop])
            if hub.hold and stop < limit:
                hub.held.set()
                hub.hold.wait(60)
                self._send(rest[stop:limit])
            if limit < len(rest):
                self.close_connection = True

        def _send(self, data: bytes) -> None:
            try:
                self.wfile.write(data)
                self.wfile.flush()
                self.note.sent += len(data)
            except OSError:
                self.close_connection = True

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

    return Handler


class Serving:
    """Runs the server while the block runs, and points the hub's address at it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
        self.server.daemon_threads = True
        hub.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Hub:
        self.thread.start()
        return self.hub

    def __exit__(self, *_: object) -> None:
        if self.hub.hold:
            self.hub.hold.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def child_environment(hub: Hub, cache: os.PathLike[str]) -> dict[str, str]:
    """Return the environment of a process that uses this hub and this cache."""
    return os.environ | {
        "HF_ENDPOINT": hub.url,
        "CLIPMILL_WEIGHTS_DIR": str(cache),
        "HF_HOME": f"{cache}/no-hub-home",
        "NO_PROXY": "*",
    }


@contextmanager
def only_this_hub(serving: Serving, monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Any]:
    """Run a server that `HF_ENDPOINT` names; no token, no other cache, no proxy."""
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "CLIPMILL_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    # The library has read the environment when it was imported.
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setenv("NO_PROXY", "*")
    with serving as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        # Its session remembers the proxies of its first use.
        close_session()
        yield running
        close_session()
