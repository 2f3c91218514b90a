"""The Hugging Face hub over plain HTTP: which files a revision has, and what they must be.

`HEAD resolve/REVISION/PATH` announces the commit (`X-Repo-Commit`), the size and the checksum:
`X-Linked-Etag` is the SHA-256 of a large file, `ETag` the git id of a small one. Any server that
speaks this can stand in through `HF_ENDPOINT`.
"""

import os
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urljoin, urlsplit

import requests

from clipmill.disk.digest import Digest
from clipmill.weights.errors import DownloadError
from clipmill.weights.http import Auth, Http

DEFAULT_ENDPOINT = "https://huggingface.co"
_MAX_HOPS = 5


@dataclass(frozen=True)
class HubFile:
    """What the hub announces of a file.

    Attributes:
        path: Name in the repository.
        url: Address of exactly this revision.
        size_bytes: Size, if announced.
        digest: Checksum, if announced.
        commit: Commit the revision stands for, if announced.
    """

    path: str
    url: str
    size_bytes: int | None
    digest: Digest | None
    commit: str | None


def endpoint() -> str:
    """Return the address of the hub; `HF_ENDPOINT` overrides it."""
    return (os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")


def hub_home() -> Path:
    """Return the folder where the hub's own tools keep their things."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(os.environ.get("HF_HOME") or default).expanduser()


def hub_auth() -> Auth | None:
    """Return what adds the user's access token, if there is one (`HF_TOKEN` or a stored one)."""
    token = os.environ.get("HF_TOKEN", "").strip()
    if not token:
        stored = Path(os.environ.get("HF_TOKEN_PATH") or hub_home() / "token").expanduser()
        token = stored.read_text("utf-8").strip() if stored.is_file() else ""
    if not token:
        return None

    def add(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return add


def cached_blob(repo: str, digest: Digest | None) -> Path | None:
    """Return the file with this checksum from the cache of the hub's own tools, if it is there."""
    if digest is None:
        return None
    root = Path(os.environ.get("HF_HUB_CACHE") or hub_home() / "hub").expanduser()
    blob = root / f"models--{repo.replace('/', '--')}" / "blobs" / digest.value
    return blob if blob.is_file() else None


class Hub:
    """One hub.

    Attributes:
        http: Session.
    """

    def __init__(self, http: Http) -> None:
        self.http = http
        self.auth = hub_auth()
        self._endpoint = endpoint()

    def list_files(self, repo: str, revision: str) -> tuple[str, list[str]]:
        """Return the commit a revision stands for, and its file names.

        Raises:
            DownloadError: No such repository or revision, or an answer that makes no sense.
        """
        url = f"{self._endpoint}/api/models/{repo}/revision/{quote(revision, safe='')}"
        what = f"the file list of {repo} at {revision}"
        response = self.http.ask("GET", url, what=what, auth=self.auth)
        try:
            answer = response.json()
            names = [safe_name(entry["rfilename"]) for entry in answer["siblings"]]
            return str(answer["sha"]), sorted(names)
        except (ValueError, KeyError, TypeError) as error:
            raise DownloadError(f"{url} did not answer with {what}: {error!r}") from error

    def announce(self, repo: str, revision: str, path: str) -> HubFile:
        """Return what the hub announces of a file.

        Raises:
            DownloadError: The hub has no such file, or refuses.
        """
        revision = quote(revision, safe="")
        url = f"{self._endpoint}/{repo}/resolve/{revision}/{quote(path)}"
        response, commit = self._head(url, f"{repo}/{path}")
        headers = response.headers
        # The answer about a large file redirects to a storage server with other headers.
        size = headers.get("X-Linked-Size") or headers.get("Content-Length")
        redirected = response.is_redirect and "X-Linked-Size" not in headers
        return HubFile(
            path=path,
            url=url,
            size_bytes=int(size) if size and size.isdigit() and not redirected else None,
            digest=_digest(headers.get("X-Linked-Etag") or headers.get("ETag") or ""),
            commit=commit,
        )

    def _head(self, url: str, what: str) -> tuple[requests.Response, str | None]:
        """Ask for headers and the commit; follow redirects within the hub, no others.

        The hub redirects to itself for renamed repositories and to its cache of small files.
        """
        commit = None
        for _ in range(_MAX_HOPS):
            response = self.http.ask("HEAD", url, what=what, auth=self.auth, follow=False)
            commit = commit or response.headers.get("X-Repo-Commit")
            target = urljoin(url, response.headers.get("Location", ""))
            leaves = urlsplit(target).netloc != urlsplit(url).netloc
            announced = "X-Linked-Etag" in response.headers
            if not response.is_redirect or leaves or announced:
                return response, commit
            url = target
        raise DownloadError(f"{what}: the hub redirects in a circle ({url})")


def _digest(etag: str) -> Digest | None:
    value = etag.removeprefix("W/").strip('"').lower()
    if re.fullmatch(r"[0-9a-f]{64}", value):
        return Digest("sha256", value)
    if re.fullmatch(r"[0-9a-f]{40}", value):
        return Digest("git-sha1", value)
    return None


def safe_name(name: str) -> str:
    """Return a relative file name that stays below its folder.

    Raises:
        DownloadError: It does not.
    """
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise DownloadError(f"the server names a file that leaves its folder: {name!r}")
    return str(path)


def select_files(names: list[str], patterns: tuple[str, ...]) -> list[str]:
    """Return the wanted files of a repository.

    Pickled weights (`.bin`) are left out where the same repository has safetensors.
    """
    chosen = [n for n in names if any(fnmatchcase(n, pattern) for pattern in patterns)]
    if any(name.endswith(".safetensors") for name in chosen):
        chosen = [name for name in chosen if not name.endswith((".bin", ".bin.index.json"))]
    return chosen
