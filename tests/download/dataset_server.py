"""A hub with a small OpenVid: real zips, split parts, tables, and closed byte ranges."""

import csv
import io
import json
import re
import threading
import zipfile
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import weights_server
from weights_server import Hub, Serving, git_id, random_bytes, sha256

REPO = "nkp37/OpenVid-1M"
TRAIN, HD = "data/train/OpenVid-1M.csv", "data/train/OpenVidHD.csv"


@dataclass
class DataHub(Hub):
    """The content and faults of a hub of datasets.

    Attributes:
        lists_sizes: Whether the file list tells sizes and checksums, as mirrors may not.
        uses: How often a storage address that was handed out is accepted; None for ever.
        trickles: Whether answers that are held go on byte by byte; they never end by themselves.
    """

    lists_sizes: bool = True
    uses: int | None = None
    used: int = 0
    trickles: bool = False


class OnDisk:
    """The content of a file that is too large to hold; its checksum is only a mark.

    Args:
        path: The file; may have holes.
    """

    digest = "5" * 64

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return self.path.stat().st_size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(len(self))
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)


def make_zip(members: list[tuple[str | zipfile.ZipInfo, bytes]]) -> bytes:
    """Return a zip archive with stored members, names as they are given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def make_table(rows: list[tuple[str, str, object]]) -> bytes:
    """Return a table of (video, caption, aesthetic score)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("video", "caption", "aesthetic score", "camera motion"))
    writer.writerows((*row, "static") for row in rows)
    return text.getvalue().encode()


def videos(part: int, count: int, size: int) -> dict[str, bytes]:
    """Return file names and contents of one part."""
    return {
        f"v{part}_{n}.mp4": random_bytes(size + 37 * n, seed=1000 * part + n) for n in range(count)
    }


def folded(files: dict[str, bytes]) -> list[tuple[str | zipfile.ZipInfo, bytes]]:
    return [(f"some/folder/{name}", content) for name, content in files.items()]


def _sibling(hub: DataHub, name: str, content: bytes) -> dict[str, object]:
    """Return what the list of the hub says of a file."""
    told = hub.announce.get(name, content)
    if not hub.lists_sizes:
        return {"rfilename": name}
    if isinstance(told, OnDisk):
        large = {"size": len(told), "sha256": told.digest, "pointerSize": 134}
        return {"rfilename": name, "size": len(told), "blobId": git_id(b"a pointer"), "lfs": large}
    facts = {"rfilename": name, "size": len(told), "blobId": git_id(told)}
    if len(content) < hub.small:
        return facts
    large = {"size": len(told), "sha256": sha256(told), "pointerSize": 134}
    return facts | {"blobId": git_id(b"a pointer"), "lfs": large}


def _handler(hub: DataHub) -> type[BaseHTTPRequestHandler]:
    base = weights_server._handler(hub)

    class Handler(base):
        def _answer(self) -> None:
            # The parent knows models; a dataset differs by its address only.
            self.path = self.path.replace("/api/datasets/", "/api/models/")
            self.path = self.path.replace("/datasets/", "/", 1)
            super()._answer()

        def _list(self, path: str) -> None:
            repo = "/".join(path.split("/")[3:5])
            if repo in hub.renamed:
                target = path.replace(repo, hub.renamed[repo])
                self._head(307, {"Location": target, "Content-Length": "0"})
                return
            files = hub.files.get(repo)
            if files is None:
                self._head(404, {"Content-Length": "0", "X-Error-Code": "RepoNotFound"})
                return
            if path.rpartition("/")[2] not in {"main", hub.commit}:
                self._head(404, {"Content-Length": "0", "X-Error-Code": "RevisionNotFound"})
                return
            siblings = [_sibling(hub, name, content) for name, content in files.items()]
            body = json.dumps({"id": repo, "sha": hub.commit, "siblings": siblings}).encode()
            self._head(200, {"Content-Length": str(len(body))})
            self.wfile.write(body)

        def _resolve(self, path: str) -> None:
            hub.used = 0
            repo, _, rest = path[1:].partition("/resolve/")
            name = rest.partition("/")[2]
            if isinstance(hub.files.get(repo, {}).get(name), OnDisk):
                place = f"http://localhost:{hub.port}/storage/{repo}/{name}"
                self._head(302, {"Location": place, "Content-Length": "0"})
            else:
                super()._resolve(path)

        def _content(self, data: bytes, headers: dict[str, str]) -> None:
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if self.path.startswith("/storage/"):
                hub.used += 1
                if hub.uses is not None and hub.used > hub.uses:
                    self._head(403, {"Content-Length": "0"})
                    return
            if not asked or not hub.ranges:
                super()._content(data, headers)
                return
            start, last = int(asked[1]), min(int(asked[2]), len(data) - 1)
            rest = data[start : last + 1]
            told = {"Content-Range": f"bytes {start}-{last}/{len(data)}"}
            self._head(206, headers | told | {"Content-Length": str(len(rest))})
            if hub.cut_after is not None and hub.cuts_left > 0 and len(rest) > hub.cut_after:
                hub.cuts_left -= 1
                hub.answers += hub.after_cut
                self._send(rest[: hub.cut_after])
                self.close_connection = True
                return
            hold = hub.hold
            stop = min(len(rest), hub.hold_after) if hold else len(rest)
            self._send(rest[:stop])
            if hold and stop < len(rest):
                hub.held.set()
                while hub.trickles and not hold.wait(0.02) and not self.close_connection:
                    self._send(rest[stop : stop + 1])
                    stop += 1
                hold.wait(60)
                self._send(rest[stop:])

    return Handler


class ServingDatasets(Serving):
    """Runs the hub while the block runs."""

    def __init__(self, hub: DataHub) -> None:
        super().__init__(hub)
        self.server.server_close()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
        self.server.daemon_threads = True
        hub.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
